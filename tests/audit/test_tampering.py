"""Random tampering with a history in memory: whatever is changed, verifying finds it."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from amends import audit, timeline
from amends.audit import Row
from amends.models import TimelineEntry

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
STATES = ("draft", "submitted", "triage", "proposed", "approved", "refunding", "refunded")
WORDS = ("He agreed.", "Checked by phone.", "“Wrong”, said Priya.", "")
Chain = list[Row]


def chain(case_id: int, length: int, rng: random.Random) -> Chain:
    """A history of `length` entries, hashed as the application hashes them."""
    rows: Chain = []
    for seq in range(1, length + 1):
        rows.append(sealed(entry(case_id, seq, rng), rows))
    return rows


def entry(case_id: int, seq: int, rng: random.Random) -> Row:
    move = seq < len(STATES)
    return Row(
        id=case_id * 1000 + seq,
        ref=f"RB-{2400 + case_id}",
        case_id=case_id,
        seq=seq,
        action=rng.choice(("note", "claim", "propose", "approve")),
        actor_kind=rng.choice(("staff", "customer", "system")),
        actor_id=f"staff:{rng.randrange(9)}",
        actor_name=rng.choice(("Sam Ito", "Dana Cole", "Priya Raman")),
        from_status=STATES[seq - 1] if move else "",
        to_status=STATES[seq] if move else "",
        reason=rng.choice(WORDS),
        data={"amount_minor": rng.randrange(500_000)},
        salt=f"{rng.getrandbits(128):032x}",
        commitment="",
        at=START + timedelta(seconds=rng.randrange(10**6), microseconds=rng.randrange(10**6)),
        prev_hash="",
        hash="",
    )


def sealed(row: Row, before: Chain) -> Row:
    row = replace(row, prev_hash=before[-1].hash if before else timeline.GENESIS)
    words = timeline.commitment(row.salt or "", row.actor_name, row.reason, row.data)
    row = replace(row, commitment=words)
    return replace(row, hash=timeline.chain_hash(cast(TimelineEntry, row)))


def resealed(rows: Chain) -> Chain:
    """As somebody does who knows how the chain is made."""
    fresh: Chain = []
    for row in rows:
        fresh.append(sealed(row, fresh))
    return fresh


def change_a_field(rows: Chain, rng: random.Random) -> Chain:
    at = rng.randrange(len(rows))
    name, value = rng.choice(
        [
            ("action", "decline"), ("actor_kind", "nobody"), ("actor_id", "staff:77"),
            ("actor_name", "Otto Brandt"), ("from_status", "x"), ("to_status", "resolved"),
            ("reason", "nicer words"), ("data", {"amount_minor": 1}), ("salt", "0" * 32),
            ("commitment", "0" * 64), ("prev_hash", "1" * 64), ("hash", "2" * 64),
            ("seq", 900), ("case_id", 99), ("salt", None), ("at", rows[at].at + timedelta(0, 0, 1)),
        ]
    )  # fmt: skip
    if (name, value) == ("salt", None):
        return _with(rows, at, replace(rows[at], salt=None, reason="put in its place"))
    return _with(rows, at, replace(rows[at], **cast(dict[str, Any], {name: value})))


def _with(rows: Chain, at: int, row: Row) -> Chain:
    return [*rows[:at], row, *rows[at + 1 :]]


def take_one_out(rows: Chain, rng: random.Random) -> Chain:
    at = rng.randrange(len(rows))
    return rows[:at] + rows[at + 1 :]


def cut_off_the_end(rows: Chain, rng: random.Random) -> Chain:
    return rows[: rng.randrange(len(rows))]


def put_one_in(rows: Chain, rng: random.Random) -> Chain:
    """Before the end: one more honest entry behind the last is what the application does."""
    at = rng.randrange(1, len(rows))
    forged = sealed(entry(rows[0].case_id, at + 1, rng), rows[:at])
    return [*rows[:at], forged, *rows[at:]]


def swap_two(rows: Chain, rng: random.Random) -> Chain:
    one, other = rng.sample(range(len(rows)), 2)
    swapped = list(rows)
    swapped[one], swapped[other] = (
        replace(rows[other], seq=rows[one].seq), replace(rows[one], seq=rows[other].seq),
    )  # fmt: skip
    return swapped


def rewrite_all(rows: Chain, rng: random.Random) -> Chain:
    """The whole chain anew, every hash right: only what was noted elsewhere shows it."""
    at = rng.randrange(len(rows))
    changed = replace(rows[at], actor_name="Somebody else", reason="as if it had been so")
    return resealed(_with(rows, at, changed))


def cut_and_rewrite(rows: Chain, rng: random.Random) -> Chain:
    kept = rows[: rng.randrange(1, len(rows))]
    return resealed([*kept[:-1], replace(kept[-1], to_status=rows[-1].to_status)])


TAMPERINGS: tuple[Callable[[Chain, random.Random], Chain], ...] = (
    change_a_field, change_a_field, change_a_field, take_one_out, cut_off_the_end, put_one_in,
    swap_two, rewrite_all, cut_and_rewrite,
)  # fmt: skip


@dataclass(frozen=True)
class Honest:
    """A history with its case and what was noted of it elsewhere."""

    rows: Chain
    cases: list[tuple[int, str, str]]
    ends: dict[tuple[int, int], str]


def honest(rng: random.Random) -> Honest:
    rows = chain(rng.randrange(1, 50), rng.randrange(3, 12), rng)
    status = next(row.to_status for row in reversed(rows) if row.to_status)
    made = Honest(
        rows,
        [(rows[0].case_id, rows[0].ref, status)],
        {(rows[-1].case_id, rows[-1].seq): rows[-1].hash},
    )
    assert not audit.judge(made.rows, made.cases, made.ends).broken
    return made


def undiscovered(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    histories = [honest(rng) for _ in range(min(count, 400))]
    missed = []
    for number in range(count):
        at, tamper = rng.choice(histories), rng.choice(TAMPERINGS)
        if not audit.judge(tamper(at.rows, rng), at.cases, at.ends).broken:
            missed.append(f"{number}: {tamper.__name__}")
    return missed


@pytest.mark.req("V16.4.2", "T35")
def test_it_finds_each_of_three_hundred_tamperings() -> None:
    assert undiscovered(300, seed=1) == []


@pytest.mark.slow
@pytest.mark.req("V16.4.2", "T35")
def test_it_finds_each_of_ten_thousand_tamperings() -> None:
    assert undiscovered(10_000, seed=2) == []


@pytest.mark.slow
@pytest.mark.req("T35", "V16.4.2")
def test_a_hundred_thousand_rows_are_verified_within_ten_seconds() -> None:
    """Of processor time, reading from the database left out."""
    rng = random.Random(4)
    chains = [chain(number, 50, rng) for number in range(1, 2_001)]
    ends = [next(r.to_status for r in reversed(rows) if r.to_status) for rows in chains]
    cases = [
        (n, rows[0].ref, end) for n, (rows, end) in enumerate(zip(chains, ends, strict=True), 1)
    ]
    rows = [row for each in chains for row in each]
    began = time.process_time()
    judged = audit.judge(rows, cases)
    assert time.process_time() - began < 10
    assert len(rows) == 100_000 and not judged.broken


@pytest.mark.req("T35")
def test_a_rewritten_chain_is_found_by_nothing_but_an_anchor() -> None:
    """Why anchors are needed: without one this passes."""
    rng = random.Random(3)
    rows = chain(1, 8, rng)
    status = next(row.to_status for row in reversed(rows) if row.to_status)
    cases = [(1, rows[0].ref, status)]
    rewritten = rewrite_all(rows, rng)
    assert not audit.judge(rewritten, cases).broken
    assert audit.judge(rewritten, cases, {(1, 8): rows[-1].hash}).broken
