"""What Stripe told us, as frozen values, and the ways a call can end. No Stripe import here."""

from dataclasses import dataclass, field
from datetime import datetime

# Dispute states in which the bank's process is over or was only a question that is closed.
_CLOSED_DISPUTES = frozenset({"won", "warning_closed", "prevented"})
_WANTS_EVIDENCE = frozenset({"needs_response", "warning_needs_response"})


@dataclass(frozen=True)
class CardFacts:
    """A card as Stripe shows it. `expires` is MM/YYYY; `wallet_last4` a device number if any."""

    payment_method_id: str
    brand: str
    last4: str
    expires: str = ""
    fingerprint: str = ""
    funding: str = ""
    wallet_last4: str = ""


@dataclass(frozen=True)
class CustomerFacts:
    id: str
    email: str
    name: str
    metadata: dict[str, str] = field(default_factory=dict)
    # The saved card that new invoices are charged to.
    default_card: str = ""


@dataclass(frozen=True)
class ChargeFacts:
    id: str
    payment_intent_id: str
    customer_id: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str
    created: datetime
    description: str
    card: CardFacts
    status: str
    refunded: bool
    disputed: bool
    receipt_email: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    risk_level: str = ""


@dataclass(frozen=True)
class DisputeFacts:
    id: str
    charge_id: str
    status: str
    reason: str
    amount_minor: int
    currency: str
    due_by: datetime | None
    refundable: bool
    created: datetime | None = None
    submissions: int = 0
    past_due: bool = False

    @property
    def blocks(self) -> bool:
        """Anything not known to be over blocks money; an unknown status blocks too."""
        return self.status not in _CLOSED_DISPUTES

    @property
    def is_over(self) -> bool:
        """The bank has decided; a lost one is over, and still blocks a refund."""
        return self.status in _CLOSED_DISPUTES or self.status == "lost"

    @property
    def is_inquiry(self) -> bool:
        """The bank only asks; no money was taken."""
        return self.status.startswith("warning_")

    @property
    def wants_evidence(self) -> bool:
        return self.status in _WANTS_EVIDENCE and self.submissions == 0


@dataclass(frozen=True)
class RefundFacts:
    id: str
    charge_id: str
    amount_minor: int
    currency: str
    status: str
    created: datetime
    pending_reason: str = ""
    failure_reason: str = ""
    reference: str = ""
    reference_status: str = ""
    reference_type: str = ""
    kind: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    customer_id: str = ""

    @property
    def counts(self) -> bool:
        """Whether it uses up the charge: everything but failed and canceled."""
        return self.status not in ("failed", "canceled")


@dataclass(frozen=True)
class IntentFacts:
    """A PaymentIntent. `charge_id` is its latest charge, `error_*` its last payment error."""

    id: str
    status: str
    amount_minor: int
    currency: str
    customer_id: str
    payment_method_id: str
    charge_id: str = ""
    error_code: str = ""
    decline_code: str = ""
    error_message: str = ""
    next_action_url: str = ""
    card: CardFacts | None = None
    created: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WarningFacts:
    id: str
    charge_id: str
    actionable: bool


@dataclass(frozen=True)
class SetupSession:
    id: str
    url: str


@dataclass(frozen=True)
class CardSetup:
    session_id: str
    complete: bool
    customer_id: str
    card: CardFacts | None


@dataclass(frozen=True)
class InvoiceFacts:
    id: str
    number: str
    status: str
    total_minor: int
    currency: str
    created: datetime
    pdf_url: str
    hosted_url: str


@dataclass(frozen=True)
class SubscriptionFacts:
    """A subscription. `ends_at_period_end` means that it will not renew.

    `ended` is when it ended for good; the period is the one that was paid last.
    """

    id: str
    status: str
    customer_id: str
    ends_at_period_end: bool
    period_ends: datetime | None
    period_starts: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True)
class TransactionFacts:
    """One movement of our balance at Stripe. `source_id` is the object that moved it."""

    id: str
    kind: str
    category: str
    source_id: str
    amount_minor: int
    fee_minor: int
    currency: str
    created: datetime


@dataclass(frozen=True)
class CreditFacts:
    """One change of a customer's balance; `amount_minor` above zero is in the customer's favour."""

    id: str
    customer_id: str
    kind: str
    amount_minor: int
    currency: str
    created: datetime
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EventFacts:
    """A Stripe event, reduced to what tells where to look."""

    id: str
    type: str
    object_id: str
    created: datetime
    livemode: bool
    related: dict[str, str] = field(default_factory=dict)


class StripeError(Exception):
    """Base of everything a call to Stripe can end in other than an answer."""


class Unavailable(StripeError):
    """Reading failed: no answer, too many calls, an error on their side. Try again later."""


class Refused(StripeError):
    """Stripe said no and did nothing. `code` may be empty; `message` is theirs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotThere(Refused):
    """No such object."""


class Declined(StripeError):
    """The bank said no to a charge. `code` may be authentication_required."""

    def __init__(self, code: str, decline_code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.decline_code = decline_code
        self.message = message


class NotExecuted(StripeError):
    """A limit or a lock stopped the call before it began; the same key may be sent again."""


class Misconfigured(StripeError):
    """The key is wrong or lacks a right; nothing was done and nothing will be until it is fixed."""


class Unknown(StripeError):
    """Nobody knows whether it happened. `stored` says that an error was kept under the key."""

    def __init__(self, message: str, stored: bool = False) -> None:
        super().__init__(message)
        self.stored = stored


class KeyMismatch(StripeError):
    """The same key with other parameters: a fault of ours; a person has to look."""


class BadSignature(StripeError):
    """A webhook that Stripe did not sign."""
