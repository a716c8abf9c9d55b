"""Which order, or which charge, is this about?"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake, intake_steps
from amends.flow.intake_answers import Answer, ChargeChosen, OrderTyped
from amends.flow.intake_steps import Step
from amends.gateways.stripe_facts import ChargeFacts
from amends.queries import customer_drafts, customer_stripe
from amends.queries.customer_rows import DraftPage, OrderRow
from amends.rules.money import Money, format_money
from amends.rules.people import Customer
from amends.rules.workflow import Kind
from portal import answers, dates, money_path
from portal.dates import Days
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/order.html"
OTHER = "other"
# Only a dispute is about one charge; the others are about an order with all its payments.
_BY_CHARGE = frozenset({Kind.DISPUTE, Kind.CHARGEBACK})


class _Order(forms.FormModel):
    order: str = ""
    number: str = ""


@dataclass(frozen=True)
class _Choices:
    """What can be chosen: key, words, small print."""

    picks: list[tuple[str, str, str]]
    stripe_silent: bool = False
    unshipped: bool = False


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    """The customer's orders; for a dispute also single charges."""
    found = await wizard.draft(request)
    choices = await _choices(guards.customer(request), found)
    form = forms.blank(order=_chosen(found), number=_typed(found))
    return pages.page(request, _PAGE, form=form, choices=choices,
                      **wizard.context(request, found, Step.ORDER))  # fmt: skip


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """Keep the choice; only the customer's own orders and charges can be chosen."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    form = await forms.bind(request, _Order)
    try:
        answer = await _answer(by, form.data if form.ok else _Order())
        await intake.save_answer(case, by, answer)
    except facts.InvalidInput as invalid:
        found = await wizard.draft(request)
        choices = await _choices(by, found)
        return answers.again(request, _PAGE, form.failed(invalid.errors), choices=choices,
                             **wizard.context(request, found, Step.ORDER))  # fmt: skip
    return await wizard.go_on(request, case.ref)


async def _answer(by: Customer, form: _Order) -> Answer:
    match form.order.split(":"):
        case ["order", number] if number.isdigit():
            return await intake.own_order(by, int(number))
        case ["deposit", number, deposit] if number.isdigit() and deposit.isdigit():
            return await intake.own_order(by, int(number), int(deposit))
        case ["charge", charge_id]:
            return await _own_charge(by, charge_id)
        case [part] if part == OTHER:
            return await _typed_order(by, form.number)
    raise facts.InvalidInput({"order": "Choose an order, or choose that it isn't here"})


async def _typed_order(by: Customer, number: str) -> Answer:
    if not number:
        raise facts.InvalidInput({"number": "Enter the order number. It is on your invoice"})
    if len(number) > 40:
        raise facts.InvalidInput({"number": "Shorten the order number to 40 characters"})
    return await intake.order_by_number(by, number) or OrderTyped(number)


async def _own_charge(by: Customer, charge_id: str) -> Answer:
    charges = {charge.id: charge for charge in await customer_stripe.further_charges(by)}
    if charge_id not in charges:
        raise facts.InvalidInput({"order": "Choose one of your charges"})
    charge, days = charges[charge_id], dates.now()
    return ChargeChosen(charge.id, charge.description or "Charge", charge.amount_minor,
                        charge.currency, days.local(charge.created))  # fmt: skip


async def _choices(by: Customer, found: DraftPage) -> _Choices:
    orders = await customer_drafts.orders(by)
    days = dates.now()
    by_charge = found.asked_as in _BY_CHARGE
    picks = [pick for order in orders for pick in _order_picks(order, days, by_charge)]
    charges, silent = await _further_charges(by) if by_charge else ([], False)
    picks += [_charge_pick(charge, days) for charge in charges]
    unshipped = any(order.not_shipped for order in orders)
    return _Choices([*picks, (OTHER, "My order isn't here", "")], silent, unshipped)


async def _further_charges(by: Customer) -> tuple[list[ChargeFacts], bool]:
    """Our own list is enough to go on with when Stripe does not answer."""
    try:
        return await customer_stripe.further_charges(by), False
    except facts.Unavailable:
        return [], True


def _order_picks(order: OrderRow, days: Days, by_charge: bool) -> list[tuple[str, str, str]]:
    whole = _amount(order.charged_minor, order.currency)
    first = (
        f"order:{order.id}",
        f"{order.number}, {whole}, charged {days.words(order.charged_on)}",
        f"{order.description}. {_paid_with(order)}{_shipping(order)}{_covered(order, by_charge)}",
    )
    if not by_charge or len(order.deposits) < 2:
        return [first]
    return [first, *(_deposit_pick(order, index, days) for index in range(len(order.deposits)))]


def _deposit_pick(order: OrderRow, index: int, days: Days) -> tuple[str, str, str]:
    deposit = order.deposits[index]
    amount = _amount(deposit.amount_minor, deposit.currency)
    return (
        f"deposit:{order.id}:{deposit.id}",
        f"{amount}, charged {days.words(deposit.charged_on)}",
        f"Payment {index + 1} of {len(order.deposits)} of order {order.number}",
    )


def _charge_pick(charge: ChargeFacts, days: Days) -> tuple[str, str, str]:
    amount = _amount(charge.amount_minor, charge.currency)
    title = f"{amount}, charged {days.words(days.local(charge.created))}"
    return f"charge:{charge.id}", title, charge.description


def _paid_with(order: OrderRow) -> str:
    if len(order.deposits) < 2:
        return "Paid with one card."
    amounts = " and ".join(_amount(each.amount_minor, each.currency) for each in order.deposits)
    return f"Paid with {money_path.count_words(len(order.deposits))} cards: {amounts}."


def _shipping(order: OrderRow) -> str:
    return " Not shipped yet." if order.not_shipped else ""


def _covered(order: OrderRow, by_charge: bool) -> str:
    """Said before it is chosen: the page that explains it is one step away."""
    covered = intake_steps.covers(order.subscription_status, order.cancelled_on)
    return "" if by_charge or covered else " No subscription runs, so this is not for it."


def _amount(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency))


def _chosen(found: DraftPage) -> str:
    if Step.ORDER.value not in found.done:
        return ""
    if found.charge_id:
        return f"charge:{found.charge_id}"
    if found.order is None:
        return OTHER
    if len(found.deposit_ids) == 1 < len(found.order.deposits):
        return f"deposit:{found.order.id}:{found.deposit_ids[0]}"
    return f"order:{found.order.id}"


def _typed(found: DraftPage) -> str:
    return found.claimed_order if found.order is None else ""
