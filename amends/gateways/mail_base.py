"""What mails are made of: the base of every mail, and money that moves or has moved."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final

from amends.gateways.customer_facts import Card, CaseHead, Company
from amends.rules import money, promises

# What a person wrote for the customer to read keeps its lines.
PROSE: Final = frozenset({"question", "body", "because"})


@dataclass(frozen=True)
class Mail:
    """What every mail says. `kind` is also the name of its folder in templates/mail."""

    company: Company
    today: date

    kind: ClassVar[str]


@dataclass(frozen=True)
class CaseMail(Mail):
    """A mail about one case."""

    case: CaseHead


@dataclass(frozen=True)
class PlannedMove:
    """Money that will go to or from a card, not sent yet: it has no dates."""

    card: Card
    amount: money.Money


class Arrival(StrEnum):
    """How the money shows: as a credit, or as the charge that vanishes from the statement."""

    CREDIT = "credit"
    REVERSAL = "reversal"


@dataclass(frozen=True)
class SentRefund:
    """One refund on its way. `trace_number` is empty until the bank reports it."""

    card: Card
    amount: money.Money
    refund_id: str
    window: promises.Window
    arrival: Arrival = Arrival.CREDIT
    trace_number: str = ""
