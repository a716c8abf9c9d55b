"""Tables: columns and constraints, no behaviour. Import the module, not the names."""

from amends.models.access import Person, RateLimit, Session, SignInCode
from amends.models.accounts import Account, Deposit, Order
from amends.models.cases import (
    Attachment,
    Audit,
    Case,
    IdentityCheck,
    Message,
    TimelineEntry,
)
from amends.models.money import (
    Approval,
    Attempt,
    ChargeClaim,
    LedgerEntry,
    Leg,
    Plan,
    PolicyVersion,
)
from amends.models.outside import (
    Document,
    ExceptionItem,
    MailItem,
    StripeReading,
    WebhookEvent,
    WorkerState,
)

__all__ = [
    "Account",
    "Approval",
    "Attachment",
    "Attempt",
    "Audit",
    "Case",
    "ChargeClaim",
    "Deposit",
    "Document",
    "ExceptionItem",
    "IdentityCheck",
    "LedgerEntry",
    "Leg",
    "MailItem",
    "Message",
    "Order",
    "Person",
    "Plan",
    "PolicyVersion",
    "RateLimit",
    "Session",
    "SignInCode",
    "StripeReading",
    "TimelineEntry",
    "WebhookEvent",
    "WorkerState",
]
