"""The decision panel: the money plan as it would be stored, its checks, and who decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from amends import facts
from amends.flow import checks, desk, plan_legs, planning, routing
from amends.flow.checks import Check, Facts, Mood
from amends.flow.plan_legs import Wanted
from amends.flow.planning import Shown
from amends.flow.verification import Proof
from amends.queries import plan_lines
from amends.queries.plan_lines import Lines
from amends.queries.staff import PlanRow
from amends.rules import card_numbers, money, policy, workflow
from amends.rules.money import Money, format_money
from amends.rules.people import Staff
from amends.rules.plan import Draft, Outcome
from amends.rules.workflow import Reason, Status
from backoffice import words
from web import forms

ASK, DECLINE = "ask", "decline"


class Mode(StrEnum):
    """What the panel is for, by the state of the case."""

    TAKE = "take"
    PLAN = "plan"
    CUSTOMER = "customer"
    WAITING = "waiting"
    MOVING = "moving"
    LOCKED = "locked"
    CLOSED = "closed"


class DecisionForm(forms.FormModel):
    """The panel's form. Amounts and deposits are parallel lists; `seen` are digests shown."""

    version: int
    seed: str = ""
    outcome: Literal["rebill", "refund", "cancellation", "recharge", "credit", "ask", "decline"] = (
        "rebill"
    )
    deposit: tuple[int, ...] = ()
    amount: tuple[str, ...] = ()
    recharge: str = ""
    credit: str = ""
    invoice: str = ""
    seen: tuple[str, ...] = ()
    why: str = ""
    told: str = ""
    papers: bool = False
    proof: Proof = Proof.IDENTIFICATION
    view: str = ""


@dataclass(frozen=True)
class Panel:
    """All that the panel shows."""

    mode: Mode
    known: Facts
    choices: tuple[tuple[str, str], ...] = ()
    chosen: str = ""
    lines: Lines | None = None
    checks: tuple[Check, ...] = ()
    route: policy.Route | None = None
    button: str = ""
    seen: tuple[str, ...] = ()
    seed: str = ""
    plan: PlanRow | None = None
    raw: Mapping[str, str] = field(default_factory=dict)
    amounts: Mapping[int, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    edited: bool = False

    @property
    def passed(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.mood is Mood.PASSED)

    @property
    def to_know(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.mood is not Mood.PASSED)

    @property
    def blocked(self) -> bool:
        return any(check.mood is Mood.BLOCKS for check in self.checks)

    @property
    def amounts_wrong(self) -> bool:
        """Whether the amounts have to be seen: opened where one of them is wrong."""
        fields = ("recharge", "credit", "invoice")
        return any(name in fields or name.startswith("amount_") for name in self.errors)

    @property
    def credit(self) -> str:
        """What the credit is until somebody types another."""
        minor = plan_legs.credit_at_first(self.known)
        return plain(minor, self.known.case.currency)

    @property
    def moves_money(self) -> bool:
        return self.chosen not in (ASK, DECLINE)


def mode_of(status: Status) -> Mode:
    if status in workflow.LOCKED:
        return Mode.LOCKED
    if status in workflow.FINAL:
        return Mode.CLOSED
    if status in (Status.SUBMITTED,):
        return Mode.TAKE
    if status in workflow.PLANNABLE:
        return Mode.PLAN
    if status is Status.NEEDS_CUSTOMER:
        return Mode.CUSTOMER
    return Mode.WAITING if status is Status.PROPOSED else Mode.MOVING


async def build(
    known: Facts,
    by: Staff,
    plans: tuple[PlanRow, ...],
    paid: Mapping[str, int] | None = None,
    form: forms.Form[DecisionForm] | None = None,
    notice: str = "",
) -> Panel:
    """The panel for this case as it stands, or as the form would have it.

    `paid` is what was paid back lately, where it was read with the case.
    """
    mode = mode_of(known.case.status)
    live = next((plan for plan in plans if plan.voided_at is None), None)
    if mode in (Mode.WAITING, Mode.MOVING, Mode.CLOSED, Mode.LOCKED) or not may_plan(
        known.case.reason, by
    ):
        return await _stored(mode, known, live, paid)
    return await _drafted(mode, known, by, paid, form, notice)


def may_plan(reason: Reason | None, by: Staff) -> bool:
    working = bool(by.roles & desk.WORKERS)
    verdict = policy.may_prepare(by, reason)
    return working and isinstance(verdict, policy.Allowed)


async def _stored(
    mode: Mode, known: Facts, live: PlanRow | None, paid: Mapping[str, int] | None
) -> Panel:
    """What is stored already; nothing can be changed here."""
    if live is None:
        return Panel(mode, known)
    if mode is Mode.WAITING:
        lines = plan_lines.planned(live.draft, known)
        route = await _route(known, live.draft, paid)
        return Panel(mode, known, lines=lines, route=route, plan=live)
    return Panel(mode, known, lines=plan_lines.carried_out(live.legs), plan=live)


async def _drafted(
    mode: Mode,
    known: Facts,
    by: Staff,
    paid: Mapping[str, int] | None,
    form: forms.Form[DecisionForm] | None,
    notice: str,
) -> Panel:
    offered = planning.outcomes(known.case)
    raw = form.raw if form else _prefilled(known)
    chosen = raw.get("outcome") or str(offered[0])
    seed = raw.get("seed") or planning.new_seed()
    typed = amounts_typed(form)
    errors = dict(form.errors) if form else {}
    drafts: dict[Outcome, Shown] = {}
    if known.reading is not None:
        drafts, wrong = await _drafts(known, by, offered, typed, raw, seed)
        errors |= wrong
    shown = drafts.get(_money_outcome(chosen, offered))
    route = await _route(known, shown.draft, paid) if shown else None
    return Panel(
        mode,
        known,
        choices=_choices(known, offered),
        chosen=chosen,
        lines=plan_lines.planned(shown.draft, known) if shown else None,
        checks=shown.checks if shown else checks.run(known, None),
        route=route,
        button=button(chosen, shown, route),
        seen=tuple(f"{outcome}:{draft.digest}" for outcome, draft in drafts.items()),
        seed=seed,
        raw={name: card_numbers.mask(text) for name, text in raw.items()},
        amounts=typed or _refundable(known),
        errors=errors,
        notice=notice,
        edited=bool(typed) and typed != _refundable(known),
    )


def _choices(known: Facts, offered: tuple[Outcome, ...]) -> tuple[tuple[str, str], ...]:
    found = [(str(outcome), words.OUTCOMES[outcome]) for outcome in offered]
    if known.case.status is Status.TRIAGE:
        found.append((ASK, "Ask the customer for more"))
    if known.case.status in (Status.TRIAGE, Status.REOPENED):
        found.append((DECLINE, "Decline"))
    return tuple(found)


def _money_outcome(chosen: str, offered: tuple[Outcome, ...]) -> Outcome:
    """Asking and declining move nothing; the plan beside them stays the usual one."""
    return next((outcome for outcome in offered if outcome == chosen), offered[0])


async def _drafts(
    known: Facts,
    by: Staff,
    offered: tuple[Outcome, ...],
    typed: Mapping[int, str],
    raw: Mapping[str, str],
    seed: str,
) -> tuple[dict[Outcome, Shown], dict[str, str]]:
    drafts: dict[Outcome, Shown] = {}
    errors: dict[str, str] = {}
    for outcome in offered:
        try:
            wanted = wanted_from(known, outcome, typed, raw, seed)
            drafts[outcome] = await planning.draft_plan(known.case, by, wanted, known)
        except facts.InvalidInput as wrong:
            errors |= wrong.errors
    return drafts, errors


def wanted_from(
    known: Facts, outcome: Outcome, typed: Mapping[int, str], raw: Mapping[str, str], seed: str
) -> Wanted:
    """The form's amounts as minor units. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    amounts: dict[int, int] = {}
    for deposit_id, text in typed.items():
        seen = known.reading.charge_of(deposit_id) if known.reading else None
        currency = seen.charge.currency if seen else known.case.currency
        amounts[deposit_id] = _minor(text, currency, f"amount_{deposit_id}", errors)
    total, recharge = None, raw.get("recharge", "")
    if recharge and outcome in (Outcome.REBILL, Outcome.RECHARGE):
        total = _minor(recharge, known.case.currency, "recharge", errors)
    if outcome is Outcome.CREDIT:
        return _credit_from(known, raw, seed)
    if errors:
        raise facts.InvalidInput(errors)
    return Wanted(outcome, amounts, total, seed)


def _credit_from(known: Facts, raw: Mapping[str, str], seed: str) -> Wanted:
    """How much, and on which invoice; what is left open is filled in."""
    errors: dict[str, str] = {}
    text = raw.get("credit", "")
    minor = _minor(text, known.case.currency, "credit", errors) if text else None
    if errors:
        raise facts.InvalidInput(errors)
    return Wanted(
        Outcome.CREDIT, seed=seed, credit_minor=minor, invoice_number=raw.get("invoice", "")
    )


def _minor(text: str, currency: str, name: str, errors: dict[str, str]) -> int:
    """Nothing or zero leaves a deposit out."""
    if not text.strip(" 0.,$"):
        return 0
    try:
        return money.parse(text, currency).minor
    except money.NotAnAmount as wrong:
        errors[name] = wrong.message
        return 0


def _prefilled(known: Facts) -> dict[str, str]:
    """The recipe's words, until somebody writes their own."""
    return {"why": known.recipe.why} if known.recipe else {}


def amounts_typed(form: forms.Form[DecisionForm] | None) -> dict[int, str]:
    if form is None:
        return {}
    deposits, amounts = form.lists.get("deposit", []), form.lists.get("amount", [])
    return {
        int(deposit): amount
        for deposit, amount in zip(deposits, amounts, strict=False)
        if deposit.isdecimal()
    }


def _refundable(known: Facts) -> dict[int, str]:
    """What the amount fields hold at first: what the reason owes, or all that is left."""
    if known.reading is None:
        return {}
    return {
        seen.deposit_id: plain(plan_legs.at_first(known, seen), seen.charge.currency)
        for seen in known.reading.charges
    }


def plain(minor: int, currency: str) -> str:
    """1,200.00: an amount for a field, without its sign."""
    text = format_money(Money(minor, currency))
    return text.lstrip("".join(letter for letter in text if not letter.isdecimal())).strip()


async def _route(known: Facts, draft: Draft, paid: Mapping[str, int] | None) -> policy.Route:
    if paid is not None:
        return routing.route_in(known, draft, paid)
    return await routing.route(known.case, draft, known.rules, known.now)


def button(chosen: str, shown: Shown | None, route: policy.Route | None) -> str:
    """The button names the act, the amount, and whom it asks."""
    if chosen == ASK:
        return "Send the question"
    if chosen == DECLINE:
        return "Decline this request"
    if shown is None or route is None or not shown.draft.legs:
        return "Ask for a decision"
    legs = shown.draft.refunds() or shown.draft.legs
    amount = Money(sum(leg.amount_minor for leg in legs), legs[0].currency)
    return f"Ask {planning.approvers(route)} to approve {format_money(amount)}"
