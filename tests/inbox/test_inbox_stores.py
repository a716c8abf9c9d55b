"""Stored once, or kept by its sender: crashes, copies, and a database or store that is down."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import aiosmtplib
import pytest

from amends import reply_address, settings
from amends.flow import correspondence
from amends.flow.correspondence import Became
from amends.gateways import inbox
from amends.models import Attachment, Case, Message, TimelineEntry
from amends.rules.workflow import Status
from tests.inbox import letters
from tests.inbox.conftest import account, case_of
from tests.inbox.letters import PRIYA, SUPPORT, Letter


def answer() -> Letter:
    return Letter(
        to=reply_address.signed("RB-2417"),
        subject="Re: RB-2417",
        message_id="<7@harborfitness.example>",
        files=(("paid.txt", "text/plain", b"Paid"),),
    )


def stored_files() -> list[Path]:
    folder = Path(settings.load().files_url.removeprefix("file://"))
    return [path for path in folder.rglob("*") if path.is_file()]


def break_store() -> None:
    folder = Path(settings.load().files_url.removeprefix("file://"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("not a folder")


async def waiting_case() -> Case:
    return await case_of(await account(), Status.NEEDS_CUSTOMER)


@pytest.mark.req("B14")
async def test_a_crash_between_storing_and_the_yes_joins_once(fresh_db: str) -> None:
    case = await waiting_case()
    crashed = asyncio.Event()

    async def store_and_crash(mail: object) -> None:
        await correspondence.take(mail)  # type: ignore[arg-type]
        if not crashed.is_set():
            crashed.set()
            raise KeyError("the process ends here")

    taker = inbox.Inbox(store_and_crash, reply_address.is_ours, letters.GATEWAY)
    listener = inbox.Listener(taker, inbox.Wire.SMTP)
    port = await listener.start("127.0.0.1", 0)
    letter = answer()
    with pytest.raises(aiosmtplib.SMTPDataError) as error:
        await deliver(port, letter)
    assert error.value.code == 451
    await deliver(port, letter)  # the sender's server tries again
    await listener.stop()
    assert await Message.all().count() == await Attachment.all().count() == 1
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    assert await TimelineEntry.all().count() == 1
    assert len(stored_files()) == 1


async def deliver(port: int, letter: Letter) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        await client.sendmail(PRIYA, [letter.to], letter.raw())


async def test_two_copies_at_the_same_time_join_once(fresh_db: str) -> None:
    await waiting_case()
    became = await asyncio.gather(*(correspondence.take(answer().read()) for _ in range(8)))
    assert sorted(became) == [Became.MESSAGE, *[Became.REPEAT] * 7]
    assert await Message.all().count() == 1
    assert len(stored_files()) == 1


async def test_two_copies_of_a_first_mail_begin_one_draft(fresh_db: str) -> None:
    await account()
    letter = Letter(message_id="<1@harborfitness.example>")
    became = await asyncio.gather(*(correspondence.take(letter.read()) for _ in range(5)))
    assert sorted(became) == [Became.NEW, *[Became.REPEAT] * 4]
    assert await Case.all().count() == 1


async def test_what_fails_leaves_neither_row_nor_file(
    fresh_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await waiting_case()

    async def fail(*_: object) -> None:
        raise ConnectionError("gone")

    with monkeypatch.context() as broken:
        broken.setattr("amends.flow.correspondence_join.go_on", fail)
        with pytest.raises(ConnectionError):
            await correspondence.take(answer().read())
    assert await Message.all().count() == 0
    assert stored_files() == []
    assert await correspondence.take(answer().read()) is Became.MESSAGE
    assert (await Case.get(id=case.id)).status is Status.TRIAGE


async def test_without_a_file_store_the_mail_waits_at_its_sender(fresh_db: str) -> None:
    case = await waiting_case()
    break_store()
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, the listener says later
        await correspondence.take(answer().read())
    assert await Message.all().count() == 0
    assert (await Case.get(id=case.id)).status is Status.NEEDS_CUSTOMER


# --- The process -----------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def until_open(port: int) -> None:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError("the inbox does not listen")


async def test_the_command_takes_mail_and_ends_when_asked(fresh_db: str, tmp_path: Path) -> None:
    await account()
    port = free_port()
    environment = os.environ | {
        "AMENDS_DATABASE_URL": fresh_db,
        "AMENDS_SECRET_KEY": "fX9mQ2vTz7LpW4cRk8HsJd3NbYg6Ea1U",
        "AMENDS_FILES_URL": (tmp_path / "files").as_uri(),
        "AMENDS_SUPPORT_EMAIL": SUPPORT,
        "AMENDS_MAIL_FROM": letters.SENDER,
        "AMENDS_MAIL_AUTHSERV_ID": letters.GATEWAY,
    }
    command = [sys.executable, "-m", "amends", "inbox", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)  # noqa: ASYNC220
    try:
        await until_open(port)
        await deliver(port, Letter(subject="4242 4242 4242 4242"))
        assert (await Case.get()).story.startswith("[card number removed, ends 4242]")
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0
    assert b'"became": "new"' in said
    assert b"4242" not in said
