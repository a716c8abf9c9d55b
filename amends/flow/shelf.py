"""Labels of cases, and setting a case aside until a day. Neither touches money or promises."""

import re
from datetime import date, datetime, time, timedelta

from tortoise.transactions import in_transaction

from amends import clock, facts, moves
from amends.flow import desk, letters
from amends.models import Case, CaseMark
from amends.rules import card_numbers, workflow
from amends.rules.people import Staff

MOST_LABELS = 5
LONGEST_LABEL = 30
LONGEST_SLEEP = timedelta(days=60)
_LABEL = re.compile(r"[\w .:/+-]+")
_MORNING = time(8, 0)
# Labels of open cases, for the filter and to pick from.
IN_USE = """
SELECT DISTINCT label FROM case_mark m JOIN case_ c ON c.id = m.case_id
CROSS JOIN LATERAL jsonb_array_elements_text(m.labels) AS label
WHERE c.status NOT IN ('draft','resolved','declined','withdrawn') ORDER BY label LIMIT 50
"""


async def of(case: Case) -> CaseMark:
    return await CaseMark.get_or_none(case_id=case.id) or CaseMark(case_id=case.id)


def sleeps(mark: CaseMark, case: Case) -> bool:
    """Until its day; any change of the case, the customer's answer too, wakes it before."""
    until = mark.snoozed_until
    return until is not None and until > clock.now() and mark.snoozed_at == case.version


async def label(case: Case, by: Staff, text: str) -> None:
    """Put one label on; the same one twice is the same as once."""
    desk.must_work(by)
    wanted = " ".join(text.split()).lower()
    _must_be_a_label(wanted)
    async with in_transaction():
        mark = await _held(case)
        if wanted in mark.labels:
            return
        if len(mark.labels) >= MOST_LABELS:
            raise facts.Refused(f"A case has {MOST_LABELS} labels at most. Take one off first.")
        await _labels(case, by, [*mark.labels, wanted], "label", wanted)


def _must_be_a_label(text: str) -> None:
    if not text or len(text) > LONGEST_LABEL or not _LABEL.fullmatch(text):
        raise facts.InvalidInput(
            {"label": f"Enter a label of letters and digits, up to {LONGEST_LABEL} of them"}
        )
    if card_numbers.contains(text):
        raise facts.InvalidInput({"label": "A label cannot hold a card number"})


async def unlabel(case: Case, by: Staff, text: str) -> None:
    desk.must_work(by)
    async with in_transaction():
        mark = await _held(case)
        if text in mark.labels:
            left = [each for each in mark.labels if each != text]
            await _labels(case, by, left, "unlabel", text)


async def _held(case: Case) -> CaseMark:
    """The case's own mark; nobody else changes it until the transaction ends."""
    await Case.filter(id=case.id).select_for_update().get()
    mark, _ = await CaseMark.get_or_create(case_id=case.id)
    return mark


async def _labels(case: Case, by: Staff, labels: list[str], action: str, text: str) -> None:
    await CaseMark.filter(case_id=case.id).update(labels=sorted(labels))
    await moves.note(case, desk.entry(action, by, data={"label": text}))


async def snooze(case: Case, by: Staff, until: date) -> datetime:
    """Set it aside until the morning of a day; never past what we promised its customer."""
    desk.must_work(by)
    if case.status not in workflow.OPEN:
        raise facts.Refused("This case is closed; there is nothing to set aside.")
    at = datetime.combine(until, _MORNING, letters.zone())
    if not clock.now() < at <= clock.now() + LONGEST_SLEEP:
        raise facts.InvalidInput({"until": "Choose a day within the next 60 days"})
    if case.due_at is not None and at > case.due_at:
        raise facts.Refused(
            "It is due before that day. What we promised a customer is not set aside."
        )
    async with in_transaction():
        await _held(case)
        await moves.note(case, desk.entry("snooze", by, data={"until": until.isoformat()}))
        version = (await Case.get(id=case.id)).version
        await CaseMark.filter(case_id=case.id).update(snoozed_until=at, snoozed_at=version)
    return at


async def wake(case: Case, by: Staff) -> None:
    desk.must_work(by)
    async with in_transaction():
        mark = await _held(case)
        if mark.snoozed_until is not None:
            await CaseMark.filter(case_id=case.id).update(snoozed_until=None)
            await moves.note(case, desk.entry("wake", by))
