"""The exceptions desk: every kind with its age, its advice and safe acts only."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from amends import clock, exceptions_desk, reconcile
from amends.models import Case, ExceptionItem, Leg
from amends.rules.workflow import Status
from backoffice import exception_words, words
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.reconcile.test_takeover import Found
from tests.shop import DECLINES, VISA, Shop

pytestmark = pytest.mark.req("I10", "I24")
AMENDS = Path(__file__).resolve().parents[2] / "amends"
# Those that say all in their name, and what halts name by themselves.
PLAIN = {"halt_"}


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    made = Shop()
    made.take()
    yield made
    clock.use()


def _told_in_the_code() -> set[str]:
    """Every kind that some `tell(...)`, `Difference(...)` or `Stranger(...)` names."""
    found: set[str] = set()
    for path in AMENDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if name in ("tell", "_tell", "Difference", "Stranger") and isinstance(
                first, ast.Constant
            ):
                found.add(str(first.value))
    return found


def test_every_kind_that_the_code_tells_has_words_of_its_own() -> None:
    kinds = {kind for kind in _told_in_the_code() if kind.replace("_", "").isalpha()}
    assert len(kinds) > 25
    assert kinds - set(words.EXCEPTIONS) == set()


def test_no_act_moves_money() -> None:
    """The desk leads to plans and looks; a plan needs another person."""
    assert {advice.act for advice in exception_words.ADVICE.values()} == set(exception_words.Act)
    assert set(exception_words.Act) == {"look", "ways_out", "take_over", "disputes", "security"}


async def test_an_unknown_outcome_a_declined_card_and_a_stuck_case_are_listed(shop: Shop) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    one = await shops.approved(shop, await shops.sale(shop, (VISA, 9_000)), sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.TIMEOUT_AFTER)
    await shops.work(one.case)
    two = await shops.approved(
        shop, await shops.sale(shop, (VISA, 8_000)), sam, dana, new_card=DECLINES
    )
    assert (await shops.work(two.case)).status is Status.NEEDS_NEW_CARD
    await Case.filter(id=one.case.id).update(next_check_at=clock.now() - timedelta(hours=5))
    await reconcile.run()
    shop.pass_(hours=3)

    text = reading.words(await (await desk.browser(sam)).get("/exceptions"))
    assert two.case.ref in text and "Money that stands still" in text
    assert words.exception("unknown_outcome") in text or await _known(one.case)
    assert "3 h" in text


async def _known(case: Case) -> bool:
    """The reconciliation itself may have found what became of it."""
    return not await Leg.filter(case_id=case.id, state="unknown").exists()


async def test_every_kind_reads_and_offers_looking_and_waking(shop: Shop) -> None:
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(await scene.harbor(shop.world), sam)
    for kind in exception_words.ADVICE:
        await exceptions_desk.tell(kind, kind, f"About {kind}.", case_id=case.id)
    page = await (await desk.browser(sam)).get("/exceptions")
    text = reading.words(page)
    for kind, advised in exception_words.ADVICE.items():
        assert words.exception(kind) in text and advised.sentence in text
    actions = {part.split('"')[0] for part in page.text.split('action="')[1:]}
    kinds = {action.rsplit("/", 1)[-1] for action in actions if action.startswith("/exceptions")}
    assert kinds == {"looked", "retry"}


async def test_one_case_is_shown_alone(shop: Shop) -> None:
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(await scene.harbor(shop.world), sam)
    await exceptions_desk.tell("stuck_case", "a", "This one.", case_id=case.id)
    await exceptions_desk.tell("stripe_key", "b", "Another one.")
    text = reading.words(await (await desk.browser(sam)).get(f"/exceptions?case={case.ref}"))
    assert "This one." in text and "Another one." not in text


async def test_dana_takes_lost_money_over_from_the_desk(shop: Shop) -> None:
    harbor, dana = await scene.harbor(shop.world), await scene.staff("Dana Cole")
    case = await scene.in_triage(harbor, await scene.staff("Sam Ito"))
    found = Found(shop, harbor, case)
    await found.refunded(1200_00)
    await reconcile.run()
    item = await ExceptionItem.get(kind="lost_case")
    sam = await desk.browser(await scene.staff("Sam Ito"))
    assert "Take it over" not in (await sam.get("/exceptions")).text
    assert (await desk.post(sam, f"/exceptions/{item.id}/take-over")).status_code == 403

    browser = await desk.browser(dana)
    page = await browser.get("/exceptions")
    assert "Take it over" in page.text
    path, moved = f"/exceptions/{item.id}/take-over", shop.world.ledger()
    empty = await desk.post(browser, path, {"ref": case.ref, "reason": ""})
    assert empty.status_code == 422 and "Say how you know" in reading.words(empty)
    wrong = await desk.post(browser, path, {"ref": "RB-1", "reason": "x"})
    assert wrong.status_code == 422 and "There is no case RB-1" in reading.words(wrong)
    done = await desk.post(browser, path, {"ref": case.ref, "reason": "On the bank's statement."})
    assert done.status_code == 303 and shop.world.ledger() == moved
    assert not await ExceptionItem.filter(kind="lost_case", resolved_at=None).exists()
