"""Labels, and cases that are set aside until a day: in the views and on the case page."""

from datetime import date, timedelta

import pytest

from amends import clock, facts
from amends.flow import shelf, triage, writing
from amends.models import Case, CaseMark, TimelineEntry
from amends.queries import staff_views
from amends.queries.staff_views import Filter, View
from amends.rules.people import Staff
from amends.rules.workflow import Status
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")


async def waits(days: int = 9, shop: scene.Customers | None = None) -> tuple[Case, Staff]:
    """Sam's case, due in some days."""
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(shop or await scene.harbor(), sam)
    await Case.filter(id=case.id).update(due_at=clock.now() + timedelta(days=days))
    return await Case.get(id=case.id), sam


def in_days(days: int) -> date:
    return (clock.now() + timedelta(days=days)).date()


async def refs(by: Staff, view: View, label: str = "") -> list[str]:
    return [row.ref for row in (await staff_views.page(by, view, Filter(label=label))).rows]


async def test_a_case_is_labelled_found_by_its_label_and_unlabelled() -> None:
    case, sam = await waits()
    client = await desk.browser(sam)
    path = f"/cases/{case.ref}/label"
    answer = await client.post(path, data={"label": " Wave  7 ", "act": "on"})
    assert answer.status_code == 303
    await client.post(path, data={"label": "wave 7", "act": "on"})
    assert (await CaseMark.get(case_id=case.id)).labels == ["wave 7"]

    page = await client.get("/queue?view=all&label=wave+7")
    assert case.ref in page.text and '<option value="wave 7" selected>' in page.text
    assert await refs(sam, View.ALL, "wave") == []
    assert "wave 7" in reading.words(await client.get(f"/cases/{case.ref}"))

    await client.post(path, data={"label": "wave 7", "act": "off"})
    assert (await CaseMark.get(case_id=case.id)).labels == []
    actions = await TimelineEntry.filter(case_id=case.id).values_list("action", flat=True)
    assert actions.count("label") == 1 and actions.count("unlabel") == 1


@pytest.mark.parametrize("text", ["", "<b>", "x" * 31, "4242 4242 4242 4242"])
async def test_what_is_no_label_is_refused(text: str) -> None:
    case, sam = await waits()
    with pytest.raises(facts.InvalidInput):
        await shelf.label(case, sam, text)
    assert not await CaseMark.filter(case_id=case.id).exists()


async def test_a_case_has_five_labels_at_most() -> None:
    case, sam = await waits()
    for number in range(5):
        await shelf.label(case, sam, f"label {number}")
    with pytest.raises(facts.Refused, match="5 labels"):
        await shelf.label(case, sam, "one more")


async def test_a_case_set_aside_leaves_my_view_until_its_day() -> None:
    case, sam = await waits()
    client = await desk.browser(sam)
    answer = await client.post(f"/cases/{case.ref}/snooze", data={"until": in_days(3).isoformat()})
    assert answer.status_code == 303
    assert await refs(sam, View.MY) == [] and await refs(sam, View.SNOOZED) == [case.ref]
    assert case.ref in await refs(sam, View.ALL)
    assert "Set aside until" in reading.words(await client.get(f"/cases/{case.ref}"))

    await client.post(f"/cases/{case.ref}/snooze", data={"until": ""})
    assert await refs(sam, View.MY) == [case.ref] and await refs(sam, View.SNOOZED) == []


async def test_what_the_customer_writes_wakes_it() -> None:
    case, sam = await waits()
    await shelf.snooze(case, sam, in_days(3))
    shop = await scene.Account.get(id=case.account_id)
    priya = scene.Customer(shop.id, shop.billing_email, "Priya Raman", shop.organisation)
    await writing.write_message(await Case.get(id=case.id), priya, "Any news?")
    assert await refs(sam, View.MY) == [case.ref]


async def test_nothing_is_set_aside_past_its_promise() -> None:
    case, sam = await waits(days=2)
    with pytest.raises(facts.Refused, match="due before"):
        await shelf.snooze(case, sam, in_days(3))
    for wrong in (in_days(-1), in_days(61)):
        with pytest.raises(facts.InvalidInput, match="within the next 60 days"):
            await shelf.snooze(case, sam, wrong)


async def test_take_the_next_passes_over_what_is_set_aside() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await Case.filter(id=case.id).update(due_at=clock.now() + timedelta(days=9))
    await shelf.snooze(await Case.get(id=case.id), sam, in_days(3))
    assert await triage.claim_next(sam) is None
    await shelf.wake(case, sam)
    taken = await triage.claim_next(sam)
    assert taken is not None and taken.status is Status.TRIAGE


async def test_ticked_cases_are_labelled_and_set_aside_together() -> None:
    shop = await scene.harbor()
    case, sam = await waits(shop=shop)
    other = await scene.submitted(shop)
    client = await desk.browser(sam)
    both = {"ids": [case.ref, other.ref], "view": "my"}
    answer = await client.post("/queue/label", data={**both, "label": "holiday"})
    assert answer.headers["location"] == "/queue?view=my"
    assert await CaseMark.filter(labels__contains=["holiday"]).count() == 2

    answer = await client.post("/queue/snooze", data={**both, "until": in_days(3).isoformat()})
    assert answer.status_code == 409 and f"{other.ref}: It is due before" in answer.text
    assert await refs(sam, View.SNOOZED) == [case.ref]
    assert "No case was ticked" in (await client.post("/queue/label", data={"label": "x"})).text
    assert "Choose the day" in (await client.post("/queue/snooze", data=both)).text


async def test_who_only_looks_sets_nothing_aside() -> None:
    case, _ = await waits()
    otto = await scene.staff("Otto Brandt")
    client = await desk.browser(otto)
    answer = await client.post(f"/cases/{case.ref}/snooze", data={"until": in_days(3).isoformat()})
    assert answer.status_code == 403
    assert "Set aside until" not in reading.words(await client.get(f"/cases/{case.ref}"))
