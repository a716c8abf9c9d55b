"""Pairs that approve for each other: planted ones are all found, a clean team has none."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends.rules import oversight
from amends.rules.oversight import Count, Pair
from amends.rules.policy import REFUND_LIMITS

pytestmark = pytest.mark.req("T27")
PEOPLE = [f"{name} ({number})" for number, name in enumerate("ABCDEFGHIJ")]


def _clean(seed: int, plans: int = 600) -> Counter[tuple[str, str]]:
    """Ten people; whoever is free approves."""
    chance = random.Random(seed)
    return Counter(tuple(chance.sample(PEOPLE, 2)) for _ in range(plans))  # type: ignore[misc]


def _flagged(counted: Counter[tuple[str, str]]) -> set[tuple[str, str]]:
    counts = [Count(maker, by, number) for (maker, by), number in counted.items()]
    return {(pair.first, pair.second) for pair in oversight.pairs(counts)}


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_nobody_of_a_clean_team_stands_out(seed: int) -> None:
    assert _flagged(_clean(seed)) == set()


@given(
    st.integers(0, 10_000),
    st.integers(0, 4),
    st.tuples(st.integers(3, 40), st.integers(3, 40)),
    st.integers(0, 100),
)
@settings(max_examples=200, deadline=None)
def test_every_planted_pair_is_found_among_the_clean_ones(
    seed: int, at: int, ways: tuple[int, int], others_percent: int
) -> None:
    """Two people who approve for each other, beside up to as many plans that others approve."""
    one, two = PEOPLE[2 * at], PEOPLE[2 * at + 1]
    counted = _clean(seed)
    for key in [key for key in counted if key[0] in (one, two)]:
        del counted[key]
    counted |= Counter({(one, two): ways[0], (two, one): ways[1]})
    for other in (each for each in PEOPLE if each not in (one, two)):
        counted[one, other] += sum(ways) * others_percent // 100 // 8
    assert _flagged(counted) == {(one, two)}


def test_one_who_approves_nearly_all_of_another_is_found() -> None:
    counted = _clean(1)
    for key in [key for key in counted if key[0] == PEOPLE[0]]:
        del counted[key]
    counted |= Counter({(PEOPLE[0], PEOPLE[1]): 8, (PEOPLE[0], PEOPLE[2]): 2})
    assert _flagged(counted) == set()
    counted |= Counter({(PEOPLE[0], PEOPLE[1]): 12})
    assert _flagged(counted) == {(PEOPLE[0], PEOPLE[1])}


def test_a_pair_tells_both_ways_and_of_how_many() -> None:
    (pair,) = oversight.pairs([Count("A", "B", 3), Count("B", "A", 5), Count("A", "C", 4)])
    assert pair == Pair("A", "B", for_second=5, for_first=3, of=12)
    assert pair.percent == 66


@pytest.mark.parametrize("currency", REFUND_LIMITS)
def test_round_is_a_power_of_ten_near_the_limit(currency: str) -> None:
    limit = REFUND_LIMITS[currency]
    step = oversight.round_step(limit)
    assert step <= limit < 10 * step
    assert limit - oversight.just_under(limit) == limit * 2 // 100
