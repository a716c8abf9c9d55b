"""Old data goes by itself: years pass on a virtual clock, and each class goes when it is due."""

from datetime import timedelta
from pathlib import Path

import pytest
from tortoise import connections

from amends import access, clock, read_log, retention, sign_in
from amends.models import (
    Attachment,
    Case,
    LedgerEntry,
    MailItem,
    RateLimit,
    ReadEntry,
    Session,
    SignInCode,
    StripeReading,
    TimelineEntry,
)
from amends.queries import staff_log
from amends.read_log import Look, Read
from amends.rights import Process
from amends.rules.people import Staff
from amends.rules.workflow import Kind, Status
from tests.privacy import scene
from tests.shop import Shop

pytestmark = pytest.mark.req("V14.2.7", "V14.2.4")
PAGE = Path(__file__).parents[2] / "docs" / "PRIVACY.md"


async def as_worker() -> dict[str, int]:
    """The nightly task with the worker's own rights."""
    connection = connections.get("default")
    await connection.execute_script(f"SET LOCAL ROLE {Process.WORKER.role}")
    gone = await retention.forget_old()
    await connection.execute_script("RESET ROLE")
    return gone


async def test_codes_sessions_and_counters_go_within_weeks(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.opened(shop, sam, dana)
    await access.hit_limit("sign-in:x", int(clock.now().timestamp()))
    shop.pass_(hours=23)
    await as_worker()
    assert await SignInCode.all().count() == 1 and await Session.all().count() == 1
    shop.pass_(days=1, hours=2)
    await as_worker()
    assert await SignInCode.all().count() == 0
    code = await MailItem.get(kind="sign_in_code")
    assert code.state != "queued" or code.context, "one that was not sent yet is not emptied"
    shop.pass_(days=1)
    await as_worker()
    assert await RateLimit.filter(key="sign-in:x").count() == 0
    shop.pass_(days=28)
    await as_worker()
    assert await Session.filter(account_id=filed.sold.account.id).count() == 0


async def test_a_draft_nobody_sends_goes_after_ninety_days(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.opened(shop, sam, dana)
    draft = await Case.create(
        ref="D-0123456789abcdef", account_id=filed.sold.account.id, kind=Kind.REBILL,
        status=Status.DRAFT, contact_email=filed.address, story=scene.STORY,
        answers={"story": "typed"}, created_at=clock.now(),
    )  # fmt: skip
    await Attachment.create(
        case_id=draft.id, name="a.pdf", content_type="application/pdf", size=1, sha256="0" * 64,
        store_key="attachments/none", uploaded_by="account:1", at=clock.now(),
    )  # fmt: skip
    shop.pass_(days=89)
    assert (await as_worker())["drafts"] == 0
    shop.pass_(days=2)
    assert (await as_worker())["drafts"] == 1
    gone = await Case.get(id=draft.id)
    assert (gone.status, gone.story, gone.answers) == (Status.WITHDRAWN, "", {})
    assert await Attachment.filter(case_id=draft.id, removed_at=None).count() == 0
    assert (await Case.get(id=filed.case.id)).story == scene.STORY, "a request that was sent stays"


async def test_files_mails_and_readings_go_two_years_after_the_end(
    shop: Shop, sam: Staff, dana: Staff, tmp_path: Path
) -> None:
    filed = await scene.closed(shop, sam, dana)
    await StripeReading.get_or_create(
        case_id=filed.case.id, defaults={"facts": {"a": 1}, "read_at": clock.now()}
    )
    (file,) = await Attachment.filter(case_id=filed.case.id)
    stored = tmp_path / "files" / file.store_key
    await MailItem.all().update(state="sent")
    shop.pass_(days=600)
    await as_worker()
    assert stored.exists() and await StripeReading.all().count() == 1

    shop.pass_(days=140)
    await as_worker()

    assert not stored.exists()
    assert (await Attachment.get(id=file.id)).removed_at is not None
    assert await StripeReading.all().count() == 0
    assert not await MailItem.exclude(context={}).exists()
    assert await LedgerEntry.filter(case_id=filed.case.id).count() > 0, "money is kept"
    assert (await staff_log.chain(filed.case.id)).broken_at is None


async def test_the_files_of_an_open_case_stay_however_old(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.opened(shop, sam, dana)
    shop.pass_(days=3650)
    await as_worker()
    assert await Attachment.filter(case_id=filed.case.id, removed_at=None).count() == 1
    assert await TimelineEntry.filter(case_id=filed.case.id).exclude(salt=None).exists()


async def test_the_log_of_reads_goes_after_its_year(shop: Shop, sam: Staff) -> None:
    await read_log.note(sam, Look(Read.PAGE, "RB-2401", "case.show", "192.0.2.7", "ABCDEFGHJK"))
    shop.time.at += read_log.KEPT - timedelta(hours=1)
    await as_worker()
    assert await ReadEntry.all().count() == 1
    shop.pass_(hours=2)
    assert (await as_worker())["the log of reads"] == 1


async def test_failed_wake_ups_go_with_the_address_they_carry(shop: Shop, sam: Staff) -> None:
    await sign_in.ask("billing@harborfitness.example", "browser", "192.0.2.7")
    connection = connections.get("default")
    await connection.execute_script("UPDATE procrastinate_jobs SET status = 'doing'")
    await connection.execute_script("UPDATE procrastinate_jobs SET status = 'failed'")
    await connection.execute_script("UPDATE procrastinate_events SET at = '2026-11-24 15:00Z'")
    shop.pass_(days=29)
    assert (await as_worker())["failed wake-ups"] == 0
    shop.pass_(days=2)
    assert (await as_worker())["failed wake-ups"] == 1


@pytest.mark.req("V14.1.1")
def test_the_page_tells_every_rule() -> None:
    text = PAGE.read_text()
    for rule in retention.RULES:
        assert f"| {rule.what} | {rule.kept} |" in text
