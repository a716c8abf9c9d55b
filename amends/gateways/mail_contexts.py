"""One frozen dataclass per mail: all that its texts may say, checked where the mail is written.

Amounts are `money.Money`, days are `date` (already the company's local day), spans of days are
`promises.Window` and `promises.Audit`, moments are aware `datetime` (shown in the company's time
zone). Texts of several lines are named in `PROSE`; every other text is made one line. `today` is
the local day of writing; it decides whether a year must be said.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Final

from pydantic import TypeAdapter

from amends.gateways.customer_facts import Card
from amends.gateways.mail_base import PROSE as PROSE
from amends.gateways.mail_base import Arrival as Arrival
from amends.gateways.mail_base import CaseMail as CaseMail
from amends.gateways.mail_base import Mail as Mail
from amends.gateways.mail_base import PlannedMove as PlannedMove
from amends.gateways.mail_base import SentRefund as SentRefund
from amends.rules import money, promises, workflow

# --- Signing in ------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignInCode(Mail):
    """`code` is eight digits without blanks; `until` is when it stops working."""

    code: str
    asked_at: datetime
    until: datetime
    minutes: int = 10
    asked_from: str = ""

    kind = "sign_in_code"

    @property
    def shown(self) -> str:
        return f"{self.code[:4]} {self.code[4:]}"


@dataclass(frozen=True)
class NewSignIn(Mail):
    """A sign-in from a device not seen before. `device` is words, like Firefox on Windows."""

    signed_in_at: datetime
    device: str
    account_url: str

    kind = "new_sign_in"


# --- To ourselves -----------------------------------------------------------------------------


@dataclass(frozen=True)
class HistoryAnchor(Mail):
    """To whoever keeps the books apart from the database. `before` is "none" for the first."""

    made_at: datetime
    cases: int
    entries: int
    root: str
    before: str

    kind = "history_anchor"


# --- Email that came in ------------------------------------------------------------------------


@dataclass(frozen=True)
class AddressChanged(Mail):
    """To the old and the new billing address alike. Both are shown in part only."""

    organisation: str
    old_address: str
    new_address: str
    changed_at: datetime
    no_new_card_until: date

    kind = "address_changed"


@dataclass(frozen=True)
class ConfirmEmail(Mail):
    """An email began a draft; `draft_url` is where its customer signs in and sends it, or not."""

    received_at: datetime
    draft_url: str

    kind = "confirm_email"


@dataclass(frozen=True)
class EmailToConfirm(CaseMail):
    """An email in the customer's name joined a case; who wrote it is not known. Repeats no word."""

    received_at: datetime

    kind = "email_to_confirm"


@dataclass(frozen=True)
class EmailNotMatched(Mail):
    """To a sender whose address belongs to no account. Says nothing of what they wrote."""

    received_at: datetime

    kind = "email_not_matched"


# --- The request -----------------------------------------------------------------------------


@dataclass(frozen=True)
class RequestReceived(CaseMail):
    """`asked_for` is one line: Refund $2,000.00 and charge another card."""

    asks: workflow.Kind
    asked_for: str
    received_at: datetime
    answer_by: date
    new_card: Card | None = None
    audit: promises.Audit | None = None

    kind = "request_received"


@dataclass(frozen=True)
class AnswerNeeded(CaseMail):
    """A question to the customer; `files_wanted` are added on the request page only."""

    question: str
    answer_by: date
    files_wanted: tuple[str, ...] = ()

    kind = "answer_needed"


@dataclass(frozen=True)
class MessageFromUs(CaseMail):
    """What a member of staff wrote; `author` is the name they sign with."""

    author: str
    body: str

    kind = "message_from_us"


@dataclass(frozen=True)
class Approved(CaseMail):
    """The approved plan in words. Nothing is sent yet, so only an audit has dates.

    Without refunds and with a charge: another new card was approved after the refunds.
    """

    approved_on: date
    refunds: tuple[PlannedMove, ...]
    charge: PlannedMove | None = None
    credit: money.Money | None = None
    audit: promises.Audit | None = None
    subscription_ends: date | None = None
    contact: str = ""

    kind = "approved"

    @property
    def total(self) -> money.Money:
        return money.total((r.amount for r in self.refunds), self.refunds[0].amount.currency)


@dataclass(frozen=True)
class Declined(CaseMail):
    """`because` is the reason in words for the customer."""

    because: str

    kind = "declined"


@dataclass(frozen=True)
class Withdrawn(CaseMail):
    withdrawn_on: date

    kind = "withdrawn"


@dataclass(frozen=True)
class AuditProgress(CaseMail):
    """How far the audit of a cancellation is. `contact` may be empty."""

    audit: promises.Audit
    day: int
    contact: str = ""

    kind = "audit_progress"


class BankStep(StrEnum):
    """How far the bank went: it took the charge back for now, or it only asks about it."""

    DISPUTE = "dispute"
    QUESTION = "question"


@dataclass(frozen=True)
class BankDispute(CaseMail):
    """A bank began its process; nobody had to write to us. `card` and `charged_on` come together.

    `papers_by` is until when the bank takes our papers; None where it takes none.
    """

    step: BankStep
    amount: money.Money
    opened_on: date
    card: Card | None = None
    charged_on: date | None = None
    papers_by: date | None = None

    kind = "bank_dispute"


# --- The money -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RefundSent(CaseMail):
    """Refunds sent on one day; what is still to be sent is named without dates."""

    sent: tuple[SentRefund, ...]
    not_sent_yet: tuple[PlannedMove, ...] = ()
    charge: PlannedMove | None = None

    kind = "refund_sent"

    @property
    def total(self) -> money.Money:
        return money.total((r.amount for r in self.sent), self.sent[0].amount.currency)

    @property
    def window(self) -> promises.Window:
        return promises.latest(refund.window for refund in self.sent)


@dataclass(frozen=True)
class RefundConfirmedAll(CaseMail):
    """Every refund is confirmed, so the new card is charged now."""

    sent: tuple[SentRefund, ...]
    charge: PlannedMove

    kind = "refund_confirmed_all"


@dataclass(frozen=True)
class RefundFailed(CaseMail):
    """A refund that the bank sent back."""

    card: Card
    amount: money.Money
    refund_id: str
    returned_on: date
    answer_by: date

    kind = "refund_failed"


@dataclass(frozen=True)
class BankReference(CaseMail):
    """The bank reported its trace number."""

    refund: SentRefund

    kind = "bank_reference"


@dataclass(frozen=True)
class NewCardDeclined(CaseMail):
    """`action_url` is the page where another card is added; `because` may be empty."""

    charge: PlannedMove
    action_url: str
    because: str = ""

    kind = "new_card_declined"


@dataclass(frozen=True)
class BankConfirmationNeeded(CaseMail):
    """The bank of the new card wants its holder to confirm; `action_url` leads there."""

    charge: PlannedMove
    action_url: str
    confirm_by: date

    kind = "bank_confirmation_needed"


@dataclass(frozen=True)
class CreditAdded(CaseMail):
    """A credit on the customer's account; the end of a request. `is_note`: written as a note."""

    credit: money.Money
    added_on: date
    is_note: bool = False

    kind = "credit_added"


@dataclass(frozen=True)
class Done(CaseMail):
    """The end of a case. `charged_on` and `charge` come together, or not at all.

    The attached documents follow from it: a proof if anything was refunded, a receipt if the new
    card was charged; a credit needs neither.
    """

    sent: tuple[SentRefund, ...] = ()
    charge: PlannedMove | None = None
    charged_on: date | None = None
    credit: money.Money | None = None
    subscription_ended: date | None = None

    kind = "done"


_ALL: Final[tuple[type[Mail], ...]] = (
    SignInCode,
    NewSignIn,
    HistoryAnchor,
    AddressChanged,
    ConfirmEmail,
    EmailToConfirm,
    EmailNotMatched,
    RequestReceived,
    AnswerNeeded,
    MessageFromUs,
    Approved,
    Declined,
    Withdrawn,
    AuditProgress,
    BankDispute,
    RefundSent,
    RefundConfirmedAll,
    RefundFailed,
    BankReference,
    NewCardDeclined,
    BankConfirmationNeeded,
    CreditAdded,
    Done,
)
KINDS: Final = {each.kind: each for each in _ALL}


def pack(mail: Mail) -> dict[str, object]:
    """The mail as JSON values, for the row that waits to be sent; `mail.kind` goes beside it."""
    packed: dict[str, object] = _adapter(mail.kind).dump_python(mail, mode="json")
    return packed


def unpack(kind: str, packed: dict[str, object]) -> Mail:
    """The mail that `pack` wrote. KeyError for a kind that is not known."""
    return _adapter(kind).validate_python(packed)


@cache
def _adapter(kind: str) -> TypeAdapter[Mail]:
    return TypeAdapter(KINDS[kind])
