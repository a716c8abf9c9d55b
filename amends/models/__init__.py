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
from amends.models.changes import AddressChange, EffectiveDate, RuleProposal
from amends.models.marks import CaseMark
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
    BankDispute,
    Document,
    ExceptionItem,
    MailItem,
    StripeReading,
    WebhookEvent,
    WorkerState,
)
from amends.models.records import Erasure, ReadEntry
from amends.models.reviews import SecondReview

__all__ = [
    "Account",
    "AddressChange",
    "Approval",
    "Attachment",
    "Attempt",
    "Audit",
    "BankDispute",
    "Case",
    "CaseMark",
    "ChargeClaim",
    "Deposit",
    "Document",
    "EffectiveDate",
    "Erasure",
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
    "ReadEntry",
    "RuleProposal",
    "SecondReview",
    "Session",
    "SignInCode",
    "StripeReading",
    "TimelineEntry",
    "WebhookEvent",
    "WorkerState",
]
