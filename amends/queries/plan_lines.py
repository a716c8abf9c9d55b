"""A plan as lines of money: what goes back to which card, what is charged then, what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from amends.flow import comparison, letters
from amends.flow.checks import Facts
from amends.models import Leg
from amends.rules import card_words, promises
from amends.rules.plan import Draft, LegKind, LegState, PlannedLeg

_NUMBERS = {1: "the refund is", 2: "both refunds are"}


@dataclass(frozen=True)
class Line:
    """One movement. `amount_minor` is seen from us: money that goes back is below zero."""

    kind: LegKind
    card: str
    amount_minor: int
    currency: str
    sub: str
    charge_id: str = ""
    charged_on: date | None = None
    state: LegState | None = None
    stripe_id: str = ""
    pending_reason: str = ""
    failure: str = ""
    bank_reference: str = ""
    sent_at: datetime | None = None
    confirmed_at: datetime | None = None
    window: promises.Window | None = None

    @property
    def short_id(self) -> str:
        return short(self.charge_id)


@dataclass(frozen=True)
class Lines:
    """All of a plan, and what the customer has in the end."""

    lines: tuple[Line, ...]
    left_minor: int
    currency: str

    @property
    def back_minor(self) -> int:
        return -sum(line.amount_minor for line in self.lines if line.kind is LegKind.REFUND)

    @property
    def credited(self) -> Line | None:
        return next((line for line in self.lines if line.kind is LegKind.CREDIT), None)

    @property
    def charged(self) -> Line | None:
        return next((line for line in self.lines if line.kind is LegKind.RECHARGE), None)


def planned(draft: Draft, known: Facts) -> Lines:
    """A plan that is not carried out yet: no line has a date of its own."""
    earlier = [_carried_out(leg) for leg in known.legs if str(leg.id) in draft.rests_on]
    count = len(draft.refunds()) + len(earlier)
    return _lines([*earlier, *(_planned(leg, known, count) for leg in draft.legs)])


def carried_out(legs: Sequence[Leg]) -> Lines:
    """A plan whose legs are at work or done, with how far each got."""
    return _lines([_carried_out(leg) for leg in legs])


def _lines(found: list[Line]) -> Lines:
    left = -sum(line.amount_minor for line in found)
    return Lines(tuple(found), left, next((line.currency for line in found), "usd"))


def _planned(leg: PlannedLeg, known: Facts, count: int) -> Line:
    match leg.kind:
        case LegKind.REFUND:
            back, on = -leg.amount_minor, _charged_on(leg, known)
            return Line(leg.kind, _card(leg), back, leg.currency, leg.label, leg.charge_id, on)
        case LegKind.RECHARGE:
            after = _NUMBERS.get(count, f"all {count} refunds are")
            sub = f"Only after {after} confirmed"
            return Line(leg.kind, _card(leg), leg.amount_minor, leg.currency, sub)
        case LegKind.CREDIT:
            return Line(leg.kind, leg.label, -leg.amount_minor, leg.currency, "As a credit")
        case LegKind.END_SUBSCRIPTION:
            return Line(leg.kind, leg.label, 0, leg.currency, "Ends when the plan is carried out")


def _charged_on(leg: PlannedLeg, known: Facts) -> date | None:
    charges = known.reading.charges if known.reading else ()
    seen = next((one for one in charges if one.charge.id == leg.charge_id), None)
    return comparison.local_day(seen) if seen else None


def _carried_out(leg: Leg) -> Line:
    sign = 1 if leg.kind is LegKind.RECHARGE else -1
    name = card_words.name(leg.card_brand, leg.card_last4, leg.card_funding)
    confirmed = leg.confirmed_at is not None and leg.kind is LegKind.REFUND
    return Line(
        leg.kind,
        name if leg.card_last4 else leg.label,
        sign * leg.amount_minor,
        leg.currency,
        leg.label if leg.kind is not LegKind.RECHARGE else "Only after all refunds are confirmed",
        leg.charge_id,
        state=leg.state,
        stripe_id=leg.stripe_id or "",
        pending_reason=leg.pending_reason,
        failure=leg.failure,
        bank_reference=leg.bank_reference,
        sent_at=leg.sent_at,
        confirmed_at=leg.confirmed_at,
        window=letters.window(leg) if confirmed else None,
    )


def _card(leg: PlannedLeg) -> str:
    return card_words.name(leg.card_brand, leg.card_last4, leg.card_funding)


def short(stripe_id: str) -> str:
    """ch_3QmA…8xZ: enough to recognise, short enough to read."""
    return stripe_id if len(stripe_id) <= 14 else f"{stripe_id[:7]}…{stripe_id[-3:]}"


def age_days(sent_at: datetime | None) -> int | None:
    """Business days since a leg was sent; None before that."""
    if sent_at is None:
        return None
    sent_on = promises.local_day(sent_at, letters.zone())
    return letters.calendar().count(sent_on, letters.today())


def expected(sent_on: date) -> promises.Window:
    """When a refund sent on that day shows on a statement."""
    return promises.refund_window(sent_on, letters.calendar())
