"""The restore drill: an old database, the present Stripe, and no movement made twice."""

import secrets
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from amends import clock, embedded, quarantine, reconcile, settings
from amends.flow import advance, approval, plan_legs, planning
from amends.models import Case, ExceptionItem
from amends.rules.people import Staff
from amends.rules.plan import Outcome
from amends.rules.workflow import FINAL, Reason, Status
from tests import shop as shops
from tests.backoffice import scene
from tests.reconcile import drill
from tests.shop import AMEX, VISA, Shop

pytestmark = pytest.mark.req("I2", "I5", "I34")

# After which step the backup is taken, and how many steps later the database is lost (None: at
# the end). Each backup is used once.
POINTS = [*((point, None) for point in range(0, 34, 2)), *((point, 4) for point in range(1, 34, 2))]
# One in nine is quick: before anything, in the middle of each kind of plan, after everything.
DRILLS = [
    pytest.param(
        point,
        id=f"{point[0]}-{point[1] or 'end'}",
        marks=[] if number % 9 == 0 else [pytest.mark.slow],
    )
    for number, point in enumerate(POINTS)
]


@pytest.fixture(scope="module")
async def story(
    postgres: embedded.Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[drill.Story]:
    """Told once; every drill starts from copies."""
    name = "story_" + secrets.token_hex(4)
    embedded.create_database(postgres, name, template)
    shop = Shop()
    shop.take()
    told = drill.Story(shop, postgres, name, frozenset(point for point, _ in POINTS))
    await drill.tell(told)
    yield told
    # The copies go with the test server; dropping each takes longer than making it.
    clock.use()


@pytest.fixture
async def at_restore(
    request: pytest.FixtureRequest, story: drill.Story, own_folder: Path
) -> AsyncIterator[tuple[drill.Snapshot, drill.Snapshot]]:
    """An old database under the present Stripe, opened."""
    point, later = request.param
    before = story.steps[point]
    now = story.steps[-1 if later is None else min(point + later, len(story.steps) - 1)]
    story.shop.take()
    drill.restored(story, before, now)
    async with drill.opened(story.postgres.url(before.database)):
        yield before, now


async def test_the_story_ends_well_and_has_enough_points(story: drill.Story) -> None:
    assert len(story.steps) > 30
    async with drill.opened(story.url):
        assert {case.status for case in await Case.all()} <= FINAL


def by_card(rows: drill.Rows) -> Counter[tuple[str, str | None, int]]:
    return Counter((kind, last4, amount) for kind, _, last4, amount in rows)


def test_there_are_thirty_points_and_each_is_used_once() -> None:
    points = [point for point, _ in POINTS]
    assert len(points) == len(set(points)) >= 30


@pytest.mark.parametrize("at_restore", DRILLS, indirect=True)
async def test_nothing_moves_twice_after_a_restore(
    story: drill.Story, at_restore: tuple[drill.Snapshot, drill.Snapshot]
) -> None:
    before, now = at_restore

    found = await quarantine.check()
    assert found.is_on or now.moved == before.moved
    for case in await Case.all():
        await advance.advance(case.id)
    assert not found.is_on or drill.money(story.shop.world) == now.moved, "sent in quarantine"
    report = await reconcile.run()
    assert (await quarantine.standing()).is_clear
    assert {each.kind for each in report.open} <= {"lost_case", "stuck_case"}

    cases = await drill.people_go_on(story)

    assert {case.status for case in cases} <= FINAL
    assert by_card(drill.money(story.shop.world)) == by_card(story.steps[-1].moved)
    assert not await ExceptionItem.filter(kind="lost_case", resolved_at=None).exists()
    assert (await reconcile.run()).agrees


# Row ids are given again after a restore: nothing that goes to Stripe may come from one


class RowIds:
    """The mutant: a leg is named by the number of its plan's row, as many systems do."""

    def __init__(self, url: str) -> None:
        self.url = url

    def new_seed(self) -> str:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("SELECT count(*) FROM plan").fetchone()
        return str(uuid.UUID(int=row[0] if row else 0))

    def leg_id(self, seed: str, name: str) -> str:
        return str(uuid.uuid5(uuid.UUID(seed), "refund" if name.startswith("ch_") else "recharge"))


async def refunded(customer: scene.Customers, sam: Staff, dana: Staff) -> Case:
    case = await scene.in_triage(customer, sam, **scene.dispute(Reason.DISSATISFIED))
    plan = await scene.propose(case, sam, Outcome.REFUND)
    case = await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)
    return await shops.work(case)


@pytest.mark.parametrize("mutant", [False, True])
async def test_a_plan_after_the_restore_never_meets_a_key_from_before(
    shop: Shop, postgres: embedded.Server, template: str, monkeypatch: pytest.MonkeyPatch,
    mutant: bool,
) -> None:  # fmt: skip
    name = "ids_" + secrets.token_hex(4)
    embedded.create_database(postgres, name, template)
    url = postgres.url(name)
    if mutant:
        ids = RowIds(url)
        monkeypatch.setattr(planning, "new_seed", ids.new_seed)
        monkeypatch.setattr(plan_legs, "_leg_id", ids.leg_id)
    async with drill.opened(url):
        sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
        sold = [
            await scene.shop(shop.world, f"t-{n}", f"Gym {n}", f"b{n}@gym.example", f"SO-{n}", paid)
            for n, paid in enumerate((((AMEX, 300_00),), ((VISA, 200_00),)))
        ]
    embedded.create_database(postgres, f"{name}_backup", name)
    async with drill.opened(url):
        assert (await refunded(sold[0], sam, dana)).status is Status.RESOLVED
    drill.drop(postgres, name)
    embedded.create_database(postgres, name, f"{name}_backup")

    async with drill.opened(url):
        assert (await quarantine.check()).is_on
        await reconcile.run()
        case = await refunded(sold[1], sam, dana)
        case = await shops.work_on(shop, case, hours=1)
        told = set(await ExceptionItem.filter(resolved_at=None).values_list("kind", flat=True))
    if mutant:
        assert case.status is not Status.RESOLVED and "unknown_outcome" in told
    else:
        assert case.status is Status.RESOLVED and told == {"lost_case"}


@pytest.fixture(autouse=True)
def plain_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "load", lambda: settings.Settings())
