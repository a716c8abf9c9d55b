"""What to do for each reason of a dispute: fills in plan and reply, never moves money.

The checks here hold whatever was filled in: a plan that pays more than its reason owes is stopped,
or goes to a manager with both figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from amends.dossier import Dossier
from amends.flow import after_cancellation, duplicates, module_view
from amends.flow.after_cancellation import Computed
from amends.flow.duplicates import Pair
from amends.flow.module_view import View
from amends.flow.sighting import Reading, SeenCharge
from amends.rules.money import Money, format_money
from amends.rules.plan import Draft, LegKind, Outcome, PlannedLeg
from amends.rules.workflow import Reason


class Weight(StrEnum):
    PASSED = "passed"
    WARNING = "warning"
    BLOCKS = "blocks"


@dataclass(frozen=True)
class Finding:
    """One check of a recipe, in the words of the case page."""

    key: str
    mood: Weight
    sentence: str


@dataclass(frozen=True)
class Recipe:
    """What is known for the reason of this case."""

    reason: Reason
    pairs: tuple[Pair, ...] = ()
    computed: Computed | None = None
    view: View | None = None
    why: str = ""
    reply: str = ""

    def amount_minor(self, seen: SeenCharge) -> int:
        """What the plan says at first for one charge of the case."""
        if self.reason is Reason.DUPLICATE:
            kept = {pair.kept.id for pair in self.pairs}
            return 0 if seen.charge.id in kept else seen.refundable_minor
        if self.computed is not None:
            return after_cancellation.rest_minor(self.computed, seen)
        return seen.refundable_minor


def of(read: Dossier, reading: Reading | None) -> Recipe | None:
    """The recipe for the case's reason, if it has one and Stripe was read."""
    if reading is None:
        return None
    match read.case.reason:
        case Reason.DUPLICATE:
            return _duplicate(duplicates.pairs(reading))
        case Reason.AFTER_CANCELLATION:
            return _after(after_cancellation.compute(read, reading), reading)
        case Reason.MODULE_UNUSED:
            return _unused(module_view.of(read))
        case _:
            return None


def _duplicate(pairs: tuple[Pair, ...]) -> Recipe:
    mine = next((pair for pair in pairs if pair.mine), None)
    if mine is None:
        return Recipe(Reason.DUPLICATE, pairs, reply=_NO_PAIR)
    amount = format_money(Money(mine.duplicate.amount_minor, mine.duplicate.currency))
    return Recipe(
        Reason.DUPLICATE,
        pairs,
        why=f"{mine.duplicate.id} repeats {mine.kept.id}: same customer, amount and card.",
        reply=f"You were charged {amount} twice for the same thing. We asked for the second "
        "charge to be refunded in full. The first charge and your order stay as they are.",
    )


_NO_PAIR = (
    "We compared your charges and found no two with the same amount on the same card within three "
    "days. Can you send us the statement that shows both?"
)


def _after(computed: Computed, reading: Reading) -> Recipe:
    why = ""
    if computed.basis is not None:
        lines = [line for owed in computed.owed.values() for line in owed.explanation]
        why = " ".join(lines)
    return Recipe(Reason.AFTER_CANCELLATION, computed=computed, why=why, reply=why)


def _unused(view: View | None) -> Recipe:
    why = f"{view.who} looked at it: {view.words}" if view else ""
    return Recipe(Reason.MODULE_UNUSED, view=view, why=why)


def findings(recipe: Recipe, reading: Reading, draft: Draft | None) -> Iterator[Finding]:
    """Whether the plan pays what the reason owes, no more."""
    match recipe.reason:
        case Reason.DUPLICATE:
            yield from _duplicate_findings(reading, draft)
        case Reason.AFTER_CANCELLATION:
            yield from _after_findings(recipe, reading, draft)
        case Reason.MODULE_UNUSED:
            yield _view_finding(recipe)


def _view_finding(recipe: Recipe) -> Finding:
    if recipe.view is not None:
        return Finding("account_manager", Weight.PASSED, f"{recipe.view.who} looked at it first")
    return Finding(
        "account_manager", Weight.BLOCKS, "An account manager looks at an unused module first"
    )


def _duplicate_findings(reading: Reading, draft: Draft | None) -> Iterator[Finding]:
    if draft is None or not draft.refunds():
        return
    wrong = [sentence for leg in draft.legs if (sentence := _not_a_duplicate(reading, draft, leg))]
    for sentence in wrong:
        yield Finding("duplicate", Weight.BLOCKS, sentence)
    if not wrong:
        yield Finding(
            "duplicate", Weight.PASSED, "Only the duplicate is refunded, in full; the first stays"
        )


def _not_a_duplicate(reading: Reading, draft: Draft, leg: PlannedLeg) -> str:
    """Why this leg is no refund of a duplicate; empty when it is one."""
    if leg.kind is not LegKind.REFUND or draft.outcome is not Outcome.REFUND:
        return "A duplicate is only refunded; nothing else is changed or charged"
    pair = duplicates.of(reading, leg.charge_id)
    if pair is None:
        return f"{leg.charge_id} repeats no earlier charge of this card within three days"
    if leg.amount_minor != pair.duplicate.captured_minor:
        whole = format_money(Money(pair.duplicate.captured_minor, leg.currency))
        return f"A duplicate is refunded in full: {whole}"
    planned = {other.charge_id for other in draft.refunds()}
    if pair.kept.id in planned or pair.kept.refunded_minor:
        return f"{pair.kept.id} is refunded too; one of the two charges stays"
    return ""


def _after_findings(recipe: Recipe, reading: Reading, draft: Draft | None) -> Iterator[Finding]:
    computed = recipe.computed
    if computed is None or computed.basis is None:
        yield Finding(
            "effective",
            Weight.BLOCKS,
            "When the cancellation took effect is not known; record it with a reason",
        )
        return
    if computed.contradicts:
        yield Finding("effective", Weight.WARNING, _both_days(computed))
    yield from _amount_findings(computed, reading, draft)


def _both_days(computed: Computed) -> str:
    basis, other = computed.basis, computed.known_elsewhere
    assert basis is not None
    said = f"{basis.by} recorded {basis.effective_on}: {basis.reason}"
    return f"{said}. Stripe shows {other or 'no end'}"


def _amount_findings(
    computed: Computed, reading: Reading, draft: Draft | None
) -> Iterator[Finding]:
    different = differences(computed, reading, draft) if draft else []
    for sentence in different:
        yield Finding("prorated", Weight.WARNING, sentence)
    if draft is not None and draft.refunds() and not different:
        yield Finding("prorated", Weight.PASSED, "The amount is the one computed by the day")


def differences(computed: Computed, reading: Reading, draft: Draft) -> list[str]:
    """Where the plan and the computation are not the same, to the cent."""
    planned = {leg.charge_id: leg.amount_minor for leg in draft.refunds()}
    found = []
    for seen in reading.charges:
        owed = after_cancellation.rest_minor(computed, seen)
        wanted = planned.get(seen.charge.id, 0)
        if wanted != owed:
            currency = seen.charge.currency
            found.append(
                f"The plan refunds {format_money(Money(wanted, currency))}, the computation says "
                f"{format_money(Money(owed, currency))}"
            )
    return found


def for_managers(recipe: Recipe | None, reading: Reading | None, draft: Draft) -> list[str]:
    """Why a manager has to decide what differs from the computation."""
    computed = recipe.computed if recipe else None
    if computed is None or reading is None or not draft.refunds():
        return []
    found = []
    if differences(computed, reading, draft):
        found.append("it is not the amount computed by the day")
    if computed.contradicts:
        found.append("staff recorded another end than Stripe shows")
    return found
