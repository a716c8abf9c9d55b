"""What documents say: one frozen dataclass per kind, stored as facts beside the finished PDF.

Amounts are `money.Money`, days are `date` (the company's local day), spans of days are
`promises.Window`, moments are aware `datetime` (printed in UTC, so the same facts always make the
same bytes).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import ClassVar, Final

from pydantic import TypeAdapter

from amends.gateways.customer_facts import Card, Company
from amends.rules import money, promises

# Where letters are printed on US paper; everywhere else on A4.
_LETTER_COUNTRIES: Final = frozenset(
    {"CA", "CL", "CO", "CR", "DO", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"}
)


class Paper(StrEnum):
    """The value is the typesetter's name for it."""

    LETTER = "us-letter"
    A4 = "a4"

    @classmethod
    def of(cls, country: str) -> "Paper":
        return cls.LETTER if country.upper() in _LETTER_COUNTRIES else cls.A4


@dataclass(frozen=True)
class Record:
    """The newest entry of the case's history when the document was made: its number and hash."""

    number: int
    head: str


@dataclass(frozen=True)
class DocumentHead:
    """What every document says of itself."""

    company: Company
    reference: str
    customer: str
    organisation: str
    issued_at: datetime
    record: Record
    order: str = ""
    paper: Paper = Paper.LETTER


class RefundState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REVERSED = "reversed"
    RETURNED = "returned"


@dataclass(frozen=True)
class RefundLine:
    """One refund. What is not sent yet has neither day nor window."""

    card: Card
    amount: money.Money
    state: RefundState
    refund_id: str = ""
    charged_on: date | None = None
    sent_on: date | None = None
    window: promises.Window | None = None
    trace_number: str = ""


@dataclass(frozen=True)
class ChargeLine:
    """The charge of the new card. `payment_id` is kept with the facts and not printed: of
    Stripe's ids a customer sees the refund's and the bank's trace number only."""

    card: Card
    amount: money.Money
    payment_id: str
    charged_on: date


@dataclass(frozen=True)
class Document:
    """What every kind has. `kind` is also the name of its files in templates/documents."""

    head: DocumentHead

    kind: ClassVar[str]


@dataclass(frozen=True)
class ProofOfRefund(Document):
    refunds: tuple[RefundLine, ...]
    charge: ChargeLine | None = None

    kind = "proof_of_refund"


@dataclass(frozen=True)
class Receipt(Document):
    """`bought` says in words what was paid for."""

    charge: ChargeLine
    bought: str
    refunds: tuple[RefundLine, ...] = ()

    kind = "receipt"


@dataclass(frozen=True)
class CancellationConfirmation(Document):
    """The end of an order: what ended, when, after which audit, and what was paid back.

    `ended_on` is empty where there was no subscription to end; `contact` where nobody was named.
    """

    what: str
    audited_from: date
    audited_to: date
    ended_on: date | None = None
    contact: str = ""
    refunds: tuple[RefundLine, ...] = ()

    kind = "cancellation_confirmation"


@dataclass(frozen=True)
class Answer:
    """A question of the request form, and what the customer answered."""

    question: str
    answer: str


@dataclass(frozen=True)
class FileLine:
    name: str
    size: int


@dataclass(frozen=True)
class RequestSummary(Document):
    """What the customer sent; `next_steps` are whole sentences with their dates."""

    asked_for: str
    received_at: datetime
    answers: tuple[Answer, ...]
    story: str = ""
    files: tuple[FileLine, ...] = ()
    next_steps: tuple[str, ...] = ()

    kind = "request_summary"


@dataclass(frozen=True)
class Event:
    """What happened, or what somebody wrote; `who` is empty where nobody wrote."""

    at: datetime
    who: str
    words: str


@dataclass(frozen=True)
class Exhibit:
    """A paper that is appended, from the object store."""

    title: str
    store_key: str
    content_type: str
    size: int


@dataclass(frozen=True)
class EvidencePack(Document):
    """What goes to the bank in a dispute. Never shown to the customer."""

    dispute_id: str
    reason: str
    amount: money.Money
    card: Card | None
    charged_on: date | None
    statement: str
    policy: str = ""
    events: tuple[Event, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    kind = "evidence_pack"


_ALL: Final[tuple[type[Document], ...]] = (
    ProofOfRefund,
    Receipt,
    RequestSummary,
    CancellationConfirmation,
    EvidencePack,
)
KINDS: Final = {each.kind: each for each in _ALL}


def pack(document: Document) -> dict[str, object]:
    """The facts as JSON values, for the row; `document.kind` goes beside it."""
    packed: dict[str, object] = _adapter(document.kind).dump_python(document, mode="json")
    return packed


def unpack(kind: str, packed: dict[str, object]) -> Document:
    """The document that `pack` wrote. KeyError for a kind that is not known."""
    return _adapter(kind).validate_python(packed)


@cache
def _adapter(kind: str) -> TypeAdapter[Document]:
    return TypeAdapter(KINDS[kind])
