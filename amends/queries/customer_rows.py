"""What a customer may see of a case, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from amends.gateways import customer_facts
from amends.queries.customer_holds import NO_HOLDS, Holds
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action, Kind, Reason, Status


@dataclass(frozen=True)
class DepositRow:
    """One payment of an order. Its card is not shown: the customer tells us the digits."""

    id: int
    position: int
    amount_minor: int
    currency: str
    charged_on: date


@dataclass(frozen=True)
class OrderRow:
    id: int
    number: str
    description: str
    total_minor: int
    currency: str
    placed_on: date
    handed_over_on: date | None
    delivered_on: date | None
    carrier: str
    subscription_status: str
    subscription_ends_on: date | None
    renewal_months: int | None
    renewal_rule: str
    cancelled_on: date | None
    deposits: tuple[DepositRow, ...] = ()

    @property
    def charged_minor(self) -> int:
        """What was charged: its payments, or the total where they are not known."""
        paid = sum(deposit.amount_minor for deposit in self.deposits)
        return paid or self.total_minor

    @property
    def not_shipped(self) -> bool:
        """Paid for, not with a carrier, and its subscription has not begun either."""
        began = self.subscription_status == "active"
        return self.handed_over_on is None and self.delivered_on is None and not began

    @property
    def charged_on(self) -> date:
        return min((each.charged_on for each in self.deposits), default=self.placed_on)


@dataclass(frozen=True)
class CardRow:
    """A card in words that may be shown to its owner."""

    brand: str
    funding: str
    last4: str
    expires: str = ""

    @property
    def words(self) -> str:
        """Visa debit ending 4242"""
        return customer_facts.Card(self.brand, self.last4, self.funding).words


@dataclass(frozen=True)
class FileRow:
    id: str
    name: str
    size: int
    content_type: str
    at: datetime
    message_id: int | None
    state: str = "clean"


@dataclass(frozen=True)
class DraftPage:
    """A draft with all its answers so far."""

    ref: str
    kind: Kind
    asked_as: Kind
    reason: Reason | None
    order: OrderRow | None
    deposit_ids: tuple[int, ...]
    claimed_order: str
    charge_id: str
    about: str
    charged_on: date | None
    total_minor: int | None
    currency: str
    last4: str
    amount_minor: int | None
    amount: str
    bank: bool
    card: CardRow | None
    card_choice: str
    story: str
    done: tuple[str, ...]
    files: tuple[FileRow, ...]
    created_at: datetime


@dataclass(frozen=True)
class DraftLine:
    ref: str
    kind: Kind
    order: str
    created_at: datetime


@dataclass(frozen=True)
class LegRow:
    """One movement of money that an approved plan holds, and how far it got."""

    case_id: int
    plan_approved: bool
    outcome: Outcome
    kind: LegKind
    state: LegState
    amount_minor: int
    currency: str
    charge_id: str
    card: CardRow
    refund_id: str
    pending_reason: str
    bank_reference: str
    next_action_url: str
    confirmed_at: datetime | None
    failed_at: datetime | None


@dataclass(frozen=True)
class CaseRow:
    """A case as far as its state in words needs it; the same for the list and the page."""

    id: int
    ref: str
    kind: Kind
    reason: Reason | None
    status: Status
    order: str
    currency: str
    claimed_amount_minor: int | None
    card: CardRow | None
    card_saved_at: datetime | None
    outcome_reason: str
    submitted_at: datetime
    closed_at: datetime | None
    legs: tuple[LegRow, ...] = ()
    # Where it began: "portal", "email", or "stripe", where a bank began and nobody wrote.
    channel: str = "portal"

    @property
    def refunds(self) -> tuple[LegRow, ...]:
        return tuple(leg for leg in self.legs if leg.kind is LegKind.REFUND)

    @property
    def recharge(self) -> LegRow | None:
        """The newest charge of the new card."""
        found = [leg for leg in self.legs if leg.kind is LegKind.RECHARGE]
        return found[-1] if found else None

    @property
    def refunds_confirmed(self) -> bool:
        refunds = self.refunds
        return bool(refunds) and all(leg.state is LegState.SUCCEEDED for leg in refunds)


@dataclass(frozen=True)
class MessageRow:
    id: int
    mine: bool
    author: str
    body: str
    at: datetime
    files: tuple[FileRow, ...]


@dataclass(frozen=True)
class DocumentRow:
    """A document for the customer; `made` says whether its PDF is there yet."""

    kind: str
    made: bool
    facts: Mapping[str, object]
    created_at: datetime


@dataclass(frozen=True)
class CasePage:
    """Everything the request page shows."""

    case: CaseRow
    last4: str
    story: str
    charged_on: date | None
    order: OrderRow | None
    contact: str
    # When each move last happened, from the history.
    moved: Mapping[Action, datetime]
    messages: tuple[MessageRow, ...]
    files: tuple[FileRow, ...]
    documents: tuple[DocumentRow, ...]
    # Only of a whole page; a part that asks for itself again does not show them.
    holds: Holds = NO_HOLDS

    def document(self, kind: str) -> DocumentRow | None:
        return next((each for each in self.documents if each.kind == kind), None)
