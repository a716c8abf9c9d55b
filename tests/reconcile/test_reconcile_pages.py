"""A reconciliation goes page by page, may be killed at any, and is not disturbed by new money."""

import pytest

from amends import reconcile
from amends.gateways import stripe
from amends.models import WorkerState
from amends.reconcile import progress
from amends.reconcile.report import Subject
from amends.rules.people import Staff
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.reconcile.test_reconcile import resolved
from tests.shop import VISA, Shop

pytestmark = pytest.mark.req("I21")


async def many(shop: Shop, sam: Staff, dana: Staff, number: int) -> None:
    for _ in range(number):
        sold = await shops.sale(shop, (VISA, 10_000))
        await shops.work((await shops.approved(shop, sold, sam, dana)).case)
        shop.pass_(seconds=90)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amends.gateways.stripe_pages._PAGE", 2)


@pytest.mark.usefixtures("small_pages")
async def test_a_run_killed_at_any_page_goes_on_and_counts_the_same(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(shop, sam, dana, 3)
    whole = await reconcile.run()
    pages = 0
    for point in range(1, 60):
        shop.pass_(hours=21)
        killed_at(monkeypatch, point)
        with pytest.raises((Killed, StopAsyncIteration)):
            await reconcile.run()
            raise StopAsyncIteration
        monkeypatch.undo()
        shop.pass_(minutes=5)
        if not await reconcile.is_wanted():
            break
        pages = point
        resumed = await reconcile.run()
        assert (resumed.counts, resumed.sums, resumed.open) == (
            whole.counts,
            whole.sums,
            whole.open,
        )
    assert pages >= 8


class Killed(BaseException):
    """The process ends here."""


def killed_at(monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    monkeypatch.setattr("amends.gateways.stripe_pages._PAGE", 2)
    calls = iter(range(1, 1000))
    save = progress.save

    async def dies(mine: progress.Progress) -> None:
        if next(calls) == point:
            raise Killed
        await save(mine)

    monkeypatch.setattr(progress, "save", dies)


@pytest.mark.usefixtures("small_pages")
async def test_what_is_made_while_it_reads_shifts_nothing(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(shop, sam, dana, 3)
    before = await reconcile.run()
    save = progress.save

    async def meanwhile(mine: progress.Progress) -> None:
        await save(mine)
        if mine.subject not in (Subject.REFUNDS, Subject.INTENTS):
            return
        shop.pass_(seconds=2)
        sold = await shops.sale(shop, (VISA, 10_000))
        await shops.work((await shops.approved(shop, sold, sam, dana)).case)

    monkeypatch.setattr(progress, "save", meanwhile)
    shop.pass_(seconds=2)
    report = await reconcile.run()

    assert report.counts[Subject.REFUNDS] == before.counts[Subject.REFUNDS]
    assert report.agrees


async def test_two_at_once_do_not_disturb_each_other(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resolved(shop, sam, dana)
    await progress.claim(shop.time.at)
    with pytest.raises(reconcile.Busy):
        await reconcile.run()
    shop.pass_(minutes=3)
    assert (await reconcile.run()).agrees


async def test_stripe_away_in_the_middle_is_taken_up_again(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    await resolved(shop, sam, dana)
    shop.world.faults.add("GET /v1/disputes", FaultKind.ERROR_500_BEFORE)
    with pytest.raises(stripe.Unavailable):
        await reconcile.run()
    state = await WorkerState.get(key="reconcile")
    assert state.value["subject"] == "disputes"
    assert not await reconcile.is_wanted()
    shop.pass_(minutes=5)
    assert await reconcile.is_wanted()
    assert (await reconcile.run()).counts[Subject.REFUNDS].matched == 2
