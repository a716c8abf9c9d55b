"""Rate limits: exact under parallel hits, shared, forgetful of who."""

import asyncio

import pytest

from amends import clock
from amends.facts import TooMany
from amends.models.access import RateLimit
from web import limits


async def _hits(key: str, times: int, limit: int) -> int:
    """How many of the parallel hits passed."""
    tries = [limits.hit(key, limit, 3600) for _ in range(times)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert all(outcome is None or isinstance(outcome, TooMany) for outcome in outcomes)
    return outcomes.count(None)


@pytest.mark.req("V2.4.1", "V15.4.2")
async def test_fifty_parallel_hits_pass_exactly_as_often_as_allowed(fresh_db: str) -> None:
    assert await _hits("code:billing@harborfitness.example", 50, 10) == 10


async def test_it_says_when_to_come_back(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "offset_seconds", lambda: 0)
    await limits.hit("code:a", 1, 900)
    with pytest.raises(TooMany) as refused:
        await limits.hit("code:a", 1, 900)
    assert 0 < refused.value.retry_after <= 900


async def test_a_new_window_starts_from_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    await limits.hit("code:a", 1, 60)
    monkeypatch.setattr(clock, "offset_seconds", lambda: 61)
    await limits.hit("code:a", 1, 60)


async def test_keys_do_not_share_and_a_success_forgets(db: None) -> None:
    await limits.hit("code:a", 1, 3600)
    await limits.hit("code:b", 1, 3600)
    await limits.forget("code:a")
    await limits.hit("code:a", 1, 3600)


async def test_whose_limit_it_is_cannot_be_read_from_the_table(db: None) -> None:
    await limits.hit("code:billing@harborfitness.example", 1, 3600)
    assert "harborfitness" not in (await RateLimit.get()).key
    await limits.hit("x" * 500, 1, 3600)
