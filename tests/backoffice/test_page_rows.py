"""Rows that a page reads as JSON are the rows that the ORM would have read."""

from typing import Any

import pytest
from tortoise.models import Model

from amends import clock, dossier
from amends.flow import approval, planning, routing, sighting
from amends.flow.plan_legs import Wanted
from amends.models import Account, Case, ChargeClaim, Deposit, Leg, Order, Person, Plan
from amends.queries import staff, staff_page
from amends.queries.staff_views import View
from amends.rules import policy
from amends.rules.people import Staff
from amends.rules.plan import LegState, Outcome
from amends.rules.workflow import Status
from tests.backoffice import scene

pytestmark = pytest.mark.usefixtures("db")


def _columns(row: Model) -> dict[str, Any]:
    """What the row holds, without what was read along with it."""
    own = {*row._meta.fields_db_projection, "_partial", "_saved_in_db", "_custom_generated_pk"}
    return {name: (type(value), value) for name, value in vars(row).items() if name in own}


async def _same(row: Model, without: str = "") -> None:
    """`without` names a field whose type differs: JSON knows no UUID, and nobody asks for one."""
    orm, ours = await type(row).get(pk=row.pk), row
    expected, found = _columns(orm), _columns(ours)
    assert str(expected.pop(without, "")) == str(found.pop(without, "")) or without
    assert found == expected


async def test_a_case_with_all_that_hangs_on_it() -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.approved(await scene.harbor(), sam, dana)
    read = await dossier.of_ref(case.ref)
    assert read is not None and read.order is not None and read.legs and read.approvals
    hanging: tuple[Model, ...] = (
        read.case, read.account, read.order, *read.deposits, *read.plans, *read.approvals,
        *read.checks, read.plans[0].prepared_by,
    )  # fmt: skip
    assert {type(row) for row in hanging} > {Case, Account, Order, Deposit, Plan, Person}
    for row in hanging:
        await _same(row)
    for leg in read.legs:
        assert isinstance(leg, Leg)
        await _same(leg, "id")


async def _paid_as_asked(case: Case, sam: Staff) -> tuple[dict[str, int], policy.Route]:
    """What a case page reads of refunds, checked against the statement that flow asks."""
    read, beside = await staff_page.read(sam, case.ref, View.ALL)
    known = planning.facts_in(read, sighting.unpacked(read.reading))
    stored = staff.plans_in(read)
    if case.status is Status.PROPOSED:
        draft = stored[0].draft
    else:
        draft = (await planning.draft_plan(case, sam, Wanted(Outcome.REFUND), known)).draft
    asked = await routing.route(case, draft, known.rules, known.now)
    assert routing.route_in(known, draft, beside.paid) == asked
    sums = await routing._sums([(case, draft)], known.rules, known.now, case.ref, draft.version)
    assert {key: beside.paid.get(key) for key in sums} == sums
    return beside.paid, asked


async def test_what_was_paid_back_lately_is_what_the_flow_asks() -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    shop = await scene.harbor()
    first, _ = await scene.proposed(shop, sam, **scene.dispute())
    assert (await _paid_as_asked(first, sam))[0] == {}, "a plan that waits does not count itself"
    plan = await Plan.get(case_id=first.id)
    await approval.approve(first, dana, plan.version, plan.digest)
    await ChargeClaim.filter(case_id=first.id).update(released_at=clock.now())

    second = await scene.in_triage(shop, sam, **scene.dispute())
    paid, _ = await _paid_as_asked(second, sam)
    by_charge = {deposit.charge_id: deposit.amount_minor for deposit in shop.deposits}
    assert paid == {f"{shop.account.id}:usd": 2000_00} | by_charge

    await scene.propose(second, sam, Outcome.REFUND)
    waiting = await Case.get(id=second.id)
    await Leg.filter(case_id=second.id).update(state=LegState.FAILED)
    found, route = await _paid_as_asked(waiting, sam)
    assert found[f"failed:{second.id}"] == 2
    assert "a refund failed" in route.sentence
