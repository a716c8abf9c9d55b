"""`amends audit verify`: a change behind the application's back is found."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from amends import database, timeline
from amends.models import Account, Case, TimelineEntry
from amends.rules.people import System
from amends.rules.workflow import Kind, Status
from tests.commands.conftest import Run

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def _history(url: str, cases: int, entries: int) -> None:
    """Cases whose histories end at triage, written through the real chain."""
    await database.connect(_Settings(url), 2)  # type: ignore[arg-type]
    account = await Account.create(
        tenant_id="hf-0213", organisation="Harbor Fitness LLC",
        billing_email="billing@harborfitness.example", created_at=START,
    )  # fmt: skip
    for number in range(cases):
        case = await Case.create(
            ref=f"RB-{2401 + number}", account_id=account.id, kind=Kind.REBILL,
            status=Status.TRIAGE, contact_email=account.billing_email,
            created_at=START, submitted_at=START,
        )  # fmt: skip
        for seq in range(entries):
            to_status = "triage" if seq == entries - 1 else ""
            at = START + timedelta(minutes=seq, microseconds=17)
            await timeline.append(
                case.id,
                timeline.Entry(
                    "note", System("worker"), at, "Priya’s “own” words", to_status=to_status,
                    data={"amount_minor": 120000, "z": [1, None, "é"], "a": {"ok": True}},
                ),
            )  # fmt: skip
    await database.disconnect()


class _Settings:
    def __init__(self, url: str) -> None:
        self.database_url = url


@pytest.fixture
def history(own_database: str) -> str:
    asyncio.run(_history(own_database, cases=3, entries=4))
    return own_database


def tamper(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE timeline DISABLE TRIGGER ALL")
        connection.execute("ALTER TABLE case_ DISABLE TRIGGER ALL")
        connection.execute(statement)


def test_it_finds_nothing_in_an_honest_history(run: Run, history: str) -> None:
    done = run("audit", "verify")
    assert done.exit_code == 0, done.output
    assert "12 entries of 3 requests checked" in done.output
    assert "nothing is broken" in done.output


@pytest.mark.req("T35", "V16.4.2", "I27")
@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE timeline SET reason = 'x' WHERE id = 6", "RB-2402 entry 2 (row 6): its words"),
        ("UPDATE timeline SET data = '{}' WHERE id = 6", "RB-2402 entry 2 (row 6): its words"),
        (
            "UPDATE timeline SET actor_name = 'Sam Ito' WHERE id = 6",
            "RB-2402 entry 2 (row 6): its words",
        ),
        (
            "UPDATE timeline SET at = at + interval '1 microsecond' WHERE id = 6",
            "RB-2402 entry 2 (row 6): its facts were changed",
        ),
        (
            "UPDATE timeline SET actor_id = 'staff:2' WHERE id = 6",
            "RB-2402 entry 2 (row 6): its facts were changed",
        ),
        ("DELETE FROM timeline WHERE id = 6", "RB-2402 entry 3 (row 7): entries 2 to 2 are"),
        (
            "UPDATE timeline SET seq = seq - 1 WHERE case_id = 2 AND seq > 2",
            "RB-2402 entry 2 (row 7): its facts were changed",
        ),
        ("DELETE FROM timeline WHERE id = 8", "RB-2402 entry 4 (row 0): the history ends at"),
        ("DELETE FROM timeline WHERE case_id = 2", "RB-2402 entry 1 (row 0): the history ends"),
        (
            "UPDATE case_ SET status = 'resolved' WHERE id = 2",
            "RB-2402 entry 5 (row 0): the history ends at triage and the case stands at resolved",
        ),
        (
            "UPDATE timeline SET case_id = 3, seq = 9 WHERE id = 6",
            "RB-2403 entry 9 (row 6): it does not follow the entry before it",
        ),
        (
            "UPDATE timeline SET salt = NULL, reason = 'He agreed.' WHERE id = 6",
            "RB-2402 entry 2 (row 6): its words were erased and others put in their place",
        ),
    ],
)
def test_it_names_the_row_that_was_tampered_with(
    run: Run, history: str, statement: str, finding: str
) -> None:
    if "seq = seq - 1" in statement:
        tamper(history, "DELETE FROM timeline WHERE id = 6")
    tamper(history, statement)
    done = run("audit", "verify")
    assert done.exit_code == 1
    assert finding in done.output


@pytest.mark.req("T63")
def test_it_stands_the_erasure_of_a_person(run: Run, history: str) -> None:
    with psycopg.connect(history, autocommit=True) as connection:
        connection.execute(
            "UPDATE timeline SET salt = NULL, reason = '', data = '{}', actor_name = '' "
            "WHERE case_id = 2"
        )
    assert run("audit", "verify").exit_code == 0


@pytest.mark.req("T35", "V16.4.3")
def test_it_finds_a_chain_that_was_cut_and_made_to_look_whole(
    run: Run, history: str, tmp_path: Path
) -> None:
    noted = tmp_path / "heads"
    noted.write_text(run("audit", "heads").output)
    assert run("audit", "verify", "--noted", str(noted)).exit_code == 0
    tamper(history, "DELETE FROM timeline WHERE id = 8")
    tamper(history, "UPDATE case_ SET status = 'draft' WHERE id = 2")
    assert run("audit", "verify").exit_code == 0
    done = run("audit", "verify", "--noted", str(noted))
    assert done.exit_code == 1
    assert "case 2 entry 4 (row 0): it was noted then and is gone" in done.output


def test_it_finds_a_chain_that_was_written_anew(run: Run, history: str, tmp_path: Path) -> None:
    noted = tmp_path / "heads"
    noted.write_text(run("audit", "heads").output.replace("2 4 ", "2 4 f00"))
    assert (
        "RB-2402 entry 4 (row 8): it is not what was noted"
        in run("audit", "verify", "--noted", str(noted)).output
    )


def test_it_refuses_heads_that_it_did_not_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("RB-2402: all well")
    done = run("audit", "verify", "--noted", str(tmp_path / "heads"))
    assert done.exit_code == 1
    assert "The noted heads cannot be read." in done.output


@pytest.mark.slow
def test_it_checks_a_hundred_thousand_entries_in_ten_seconds(run: Run, own_database: str) -> None:
    """Chains that differ only by case are copied with their true hashes, in bulk.

    The processor time, because other work on the machine must not fail the test.
    """
    asyncio.run(_history(own_database, cases=1, entries=1))
    asyncio.run(_many(own_database, cases=1000, entries=100))
    started = time.process_time()
    done = run("audit", "verify")
    assert "100,001 entries of 1,001 requests" in done.output
    assert done.exit_code == 0
    assert time.process_time() - started < 10


async def _many(url: str, cases: int, entries: int) -> None:
    await database.connect(_Settings(url), 2)  # type: ignore[arg-type]
    await Case.bulk_create(
        Case(
            id=1000 + n, ref=f"RB-{9000 + n}", account_id=1, kind=Kind.REBILL, status=Status.TRIAGE,
            contact_email="billing@harborfitness.example", created_at=START, submitted_at=START,
        )
        for n in range(cases)
    )  # fmt: skip
    for n in range(cases):
        await TimelineEntry.bulk_create(_chain(1000 + n, entries))
    await database.disconnect()


def _chain(case_id: int, entries: int) -> list[TimelineEntry]:
    rows: list[TimelineEntry] = []
    for seq in range(1, entries + 1):
        row = TimelineEntry(
            case_id=case_id, seq=seq, action="note", actor_kind="system", actor_id="system:worker",
            actor_name="worker", to_status="triage", reason="As agreed", data={"amount_minor": 1},
            salt="00" * 16, at=START, prev_hash=rows[-1].hash if rows else timeline.GENESIS,
        )  # fmt: skip
        row.commitment = timeline.commitment("00" * 16, "worker", row.reason, row.data)
        row.hash = timeline.chain_hash(row)
        rows.append(row)
    return rows
