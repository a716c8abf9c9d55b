"""What auditors look for: people who approve for each other often, and amounts that look made up.

Pure. A flag is a reason to look, not a finding: a small team has few pairs.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# So often at least each of two approved for the other, and such a part of what both prepared.
FEWEST_EACH_WAY = 3
MUTUAL_PERCENT = 50
# One way: so many plans at least, and such a part of what one person prepared.
FEWEST_ONE_WAY = 10
ONE_WAY_PERCENT = 80
# So close under the limit of one person an amount looks chosen to stay there.
UNDER_LIMIT_PERCENT = 2


@dataclass(frozen=True)
class Count:
    """How many plans of one person another approved."""

    prepared_by: str
    approved_by: str
    number: int


@dataclass(frozen=True)
class Pair:
    """Two people to look at: how often each approved for the other, of how many plans of both."""

    first: str
    second: str
    for_second: int
    for_first: int
    of: int

    @property
    def percent(self) -> int:
        return 100 * (self.for_first + self.for_second) // self.of


def pairs(counts: Iterable[Count]) -> tuple[Pair, ...]:
    """Flagged pairs, the closest first. `counts` names each ordered pair once."""
    number = {(each.prepared_by, each.approved_by): each.number for each in counts}
    prepared: Counter[str] = Counter()
    for (maker, _), count in number.items():
        prepared[maker] += count
    found = {_pair(a, b, number, prepared) for a, b in number if a != b}
    return tuple(sorted((p for p in found if _stands_out(p, prepared)), key=_closest_first))


def _pair(a: str, b: str, number: dict[tuple[str, str], int], prepared: Counter[str]) -> Pair:
    first, second = sorted((a, b))
    return Pair(
        first,
        second,
        for_second=number.get((second, first), 0),
        for_first=number.get((first, second), 0),
        of=prepared[first] + prepared[second],
    )


def _stands_out(pair: Pair, prepared: Counter[str]) -> bool:
    each_way = min(pair.for_first, pair.for_second) >= FEWEST_EACH_WAY
    if each_way and pair.percent >= MUTUAL_PERCENT:
        return True
    ways = ((pair.for_first, pair.first), (pair.for_second, pair.second))
    return any(
        count >= FEWEST_ONE_WAY and 100 * count >= ONE_WAY_PERCENT * prepared[maker]
        for count, maker in ways
    )


def _closest_first(pair: Pair) -> tuple[int, int, str, str]:
    return (-pair.percent, -pair.of, pair.first, pair.second)


def round_step(limit_minor: int) -> int:
    """What counts as round where this is the limit: $100 at $500, ¥10,000 at ¥75,000."""
    return int(10 ** (len(str(limit_minor)) - 1))


def just_under(limit_minor: int) -> int:
    """From here up to the limit."""
    return limit_minor - limit_minor * UNDER_LIMIT_PERCENT // 100
