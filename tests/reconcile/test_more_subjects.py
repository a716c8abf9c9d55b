"""Credits are compared as refunds and charges are; the worker's timers start what is wanted."""

from typing import Any, cast

import pytest
from tortoise import connections

from amends import quarantine, reconcile, worker
from amends.models import ExceptionItem, Leg
from amends.reconcile.report import Subject
from amends.rules.plan import LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import scene
from tests.flow.test_credit import BALANCE, Scene
from tests.reconcile.test_quarantine import a_movement_without_an_attempt
from tests.reconcile.test_reconcile import tamper
from tests.shop import Shop

pytestmark = pytest.mark.req("I21")


@pytest.fixture
async def at(db: None, shop: Shop) -> Scene:
    harbor = await scene.harbor(shop.world)
    names = ("Sam Ito", "Ben Okafor", "Dana Cole")
    return Scene(shop, harbor, *[await scene.staff(name) for name in names])


async def test_a_credit_agrees_to_the_cent(at: Scene) -> None:
    await shops.work(await at.approved(100_00))

    report = await reconcile.run()

    count, sums = report.counts[Subject.CREDITS], report.sums["usd"]
    assert (count.ours, count.matched) == (1, 1) and report.agrees
    assert (sums.credited_at_stripe, sums.credited_in_ledger) == (100_00, 100_00)


async def test_a_credit_whose_answer_was_lost_is_found(at: Scene) -> None:
    at.shop.world.faults.add(BALANCE, FaultKind.LOST_RESPONSE)
    case = await shops.work(await at.approved(100_00))
    assert case.status is not Status.RESOLVED

    report = await reconcile.run()

    assert report.agrees and report.repaired == 1
    leg = await Leg.get(case_id=case.id)
    assert leg.state is LegState.SUCCEEDED


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ("amount_minor = 9999", {"credit_differs"}),
        ("stripe_id = 'cbtxn_nobody'", {"credit_differs", "missing_at_stripe"}),
    ],
)
async def test_a_credit_that_differs_is_told(at: Scene, changes: str, kinds: set[str]) -> None:
    case = await shops.work(await at.approved(100_00))
    leg = await Leg.get(case_id=case.id)
    await tamper("leg", leg.id, changes)

    report = await reconcile.run()

    assert {each.kind for each in report.open} == kinds


async def sweep_once() -> list[str]:
    """The periodic task as the worker runs it; returns the jobs that wait."""

    async def nothing(app: object) -> None:
        return None

    revive, worker._revive = worker._revive, cast(Any, nothing)
    try:
        await worker.sweep_due.func(cast(Any, _Context()), 0)
    finally:
        worker._revive = revive
    rows = await connections.get("default").execute_query_dict(
        "SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'"
    )
    return [row["task_name"] for row in rows]


class _Context:
    app = None


async def test_the_sweep_starts_the_reconciliation_that_a_quarantine_waits_for(
    shop: Shop, db: None
) -> None:
    assert "reconcile" not in await sweep_once()
    await a_movement_without_an_attempt(shop)
    await quarantine.check()

    assert "reconcile" in await sweep_once()

    await worker.reconcile_all.func(0)
    assert (await quarantine.standing()).is_clear
    assert await ExceptionItem.filter(kind="lost_case", resolved_at=None).count() == 1


async def test_the_sweep_takes_an_interrupted_run_up_again(shop: Shop, db: None) -> None:
    shop.world.faults.add("GET /v1/disputes", FaultKind.TIMEOUT_BEFORE)
    await worker.reconcile_all.func(0)
    assert "reconcile" not in await sweep_once()
    shop.pass_(minutes=5)
    assert "reconcile" in await sweep_once()
    await worker.reconcile_all.func(0)
    assert not await reconcile.is_wanted()
