"""Anchors: a history that was cut, rolled back or rewritten as a whole is found."""

import asyncio
import json
import stat
from pathlib import Path

import psycopg
import pytest

from amends import anchors, database, timeline
from amends.models import Case, ExceptionItem, MailItem, TimelineEntry
from amends.rules.people import System
from amends.settings import Settings
from tests.commands import test_command_audit as histories
from tests.commands.conftest import Run


@pytest.fixture
def history(own_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Three cases with four entries each, and a data folder for the anchors."""
    monkeypatch.setenv("AMENDS_DATA_DIR", str(tmp_path))
    asyncio.run(histories._history(own_database, cases=3, entries=4))
    return own_database


def file(folder: Path) -> Path:
    return anchors.path(Settings(data_dir=str(folder)))


async def _write_on(url: str, case_id: int) -> None:
    await database.connect(Settings(database_url=url), 2)
    case = await Case.get(id=case_id)
    await timeline.append(case.id, timeline.Entry("note", System(), histories.START, "More."))
    await database.disconnect()


def write_on(url: str, case_id: int = 2) -> None:
    asyncio.run(_write_on(url, case_id))


@pytest.mark.req("T35", "V16.4.2")
def test_an_honest_history_agrees_with_its_anchors(run: Run, history: str, tmp_path: Path) -> None:
    assert "12 entries of 3 requests noted" in run("audit", "anchor").output
    write_on(history)
    run("audit", "anchor")
    done = run("audit", "verify")
    assert done.exit_code == 0, done.output
    assert "Compared with 2 anchors" in done.output
    lines = [json.loads(line) for line in file(tmp_path).read_text().splitlines()]
    assert [len(line["moved"]) for line in lines] == [3, 1], "only what moved is written"
    assert stat.S_IMODE(file(tmp_path).stat().st_mode) == 0o600


def rewrite(url: str, case_id: int) -> None:
    """Somebody with the whole database and our own code."""
    asyncio.run(_rewrite(url, case_id))


async def _rewrite(url: str, case_id: int) -> None:
    await database.connect(Settings(database_url=url), 2)
    head = timeline.GENESIS
    for row in await TimelineEntry.filter(case_id=case_id).order_by("seq"):
        row.reason, row.prev_hash = "as if it had been so", head
        row.commitment = timeline.commitment(row.salt or "", row.actor_name, row.reason, row.data)
        row.hash = head = timeline.chain_hash(row)
        await row.save()
    await database.disconnect()


@pytest.mark.req("T35", "V16.4.2", "F57")
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "DELETE FROM timeline WHERE id = 8; UPDATE case_ SET status = 'draft' WHERE id = 2",
            "case 2 entry 4 (row 0): it was noted then and is gone",
        ),
        (
            "DELETE FROM timeline WHERE case_id = 3;"
            " UPDATE case_ SET status = 'draft' WHERE id = 3",
            "case 3 entry 4 (row 0): it was noted then and is gone",
        ),
        ("rewrite", "RB-2402 entry 4 (row 8): it is not what was noted then"),
    ],
)
def test_what_was_cut_or_rewritten_as_a_whole_is_found(
    run: Run, history: str, statement: str, finding: str
) -> None:
    run("audit", "anchor")
    with psycopg.connect(history, autocommit=True) as connection:
        connection.execute("ALTER TABLE timeline DISABLE TRIGGER ALL")
        connection.execute("ALTER TABLE case_ DISABLE TRIGGER ALL")
        if statement != "rewrite":
            connection.execute(statement.encode())
    if statement == "rewrite":
        rewrite(history, 2)
    done = run("audit", "verify")
    assert done.exit_code == 1
    assert finding in done.output
    assert done.output.count("(row") == 1, "the chains alone look whole"


@pytest.mark.req("F57", "T35")
def test_a_restored_backup_reports_what_it_lacks_until_somebody_says_why(
    run: Run, history: str, tmp_path: Path
) -> None:
    write_on(history)
    run("audit", "anchor")
    with psycopg.connect(history, autocommit=True) as connection:
        connection.execute("ALTER TABLE timeline DISABLE TRIGGER ALL")
        connection.execute("DELETE FROM timeline WHERE case_id = 2 AND seq = 5")
    done = run("audit", "verify")
    assert done.exit_code == 1 and "case 2 entry 5 (row 0): it was noted" in done.output

    run("audit", "anchor", "--anew", "Backup of the 22nd restored, see incident 7")
    done = run("audit", "verify")
    assert done.exit_code == 0
    assert "Backup of the 22nd restored, see incident 7" in done.output
    assert len(file(tmp_path).read_text().splitlines()) == 2, "what was noted before stays"


@pytest.mark.req("T35")
def test_a_changed_file_of_anchors_is_found(run: Run, history: str, tmp_path: Path) -> None:
    run("audit", "anchor")
    write_on(history)
    run("audit", "anchor")
    lines = file(tmp_path).read_text().splitlines()
    mailed = json.loads(lines[1])["root"]

    file(tmp_path).write_text(lines[0].replace('"entries":12', '"entries":11') + f"\n{lines[1]}\n")
    assert "(line 1) was changed" in run("audit", "verify").output
    file(tmp_path).write_text(f"{lines[1]}\n")
    done = run("audit", "verify")
    assert done.exit_code == 1 and "(line 1) others are missing" in done.output
    file(tmp_path).write_text("nonsense\n")
    assert "line 1 of the anchors cannot be read" in run("audit", "verify").output

    file(tmp_path).write_text(f"{lines[0]}\n")
    assert run("audit", "verify").exit_code == 0, "a cut file looks whole"
    done = run("audit", "verify", "--mailed", mailed)
    assert done.exit_code == 1 and "is not in the file" in done.output
    copy = tmp_path / "copy"
    copy.write_text("\n".join(lines) + "\n")
    assert run("audit", "verify", "--mailed", mailed, "--anchors", str(copy)).exit_code == 0


async def _night(url: str, folder: Path) -> tuple[anchors.Anchor, list[str], MailItem | None]:
    await database.connect(Settings(database_url=url), 2)
    made = await anchors.nightly()
    told = await ExceptionItem.filter(kind=anchors.CHANGED).values_list("key", flat=True)
    mail = await MailItem.get_or_none(kind="history_anchor", outcome__not="", sent_at=None)
    await database.disconnect()
    return made, [str(each) for each in told], mail


@pytest.mark.req("T35", "V16.4.3")
def test_each_night_adds_an_anchor_mails_it_and_tells_what_is_gone(
    history: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Settings(data_dir=str(tmp_path), audit_mail="books@northwind.example")
    monkeypatch.setattr("amends.settings.load", lambda: known)
    made, told, mail = asyncio.run(_night(history, tmp_path))
    assert (made.cases, made.entries, told) == (3, 12, [])
    assert mail is not None and mail.recipient == "books@northwind.example"
    assert mail.context["root"] == made.root

    with psycopg.connect(history, autocommit=True) as connection:
        connection.execute("ALTER TABLE timeline DISABLE TRIGGER ALL")
        connection.execute("DELETE FROM timeline WHERE id IN (4, 11, 12)")
        connection.execute("UPDATE mail SET sent_at = now()")
    _, told, _ = asyncio.run(_night(history, tmp_path))
    assert sorted(told) == ["case:1", "case:3"]


def test_the_check_says_where_the_anchors_are(run: Run, history: str, tmp_path: Path) -> None:
    assert f"{file(tmp_path)}, none yet, not mailed" in run("check").output
    run("audit", "anchor")
    assert "last 20" in run("check", audit_mail="books@northwind.example").output
    file(tmp_path).write_text("nonsense\n")
    assert "Line 1 of the anchors cannot be read" in run("check").output
