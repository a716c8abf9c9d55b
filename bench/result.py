"""What one measurement says: a median, and its ratio to a limit measured in the same run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Result:
    """`ratio` is the median divided by that of `limit_name`; `target` is the most it may be.

    Without a limit to compare with, `ratio` and `limit_name` are empty and `target` is
    milliseconds. `unit` names what is counted where it is not time.
    """

    name: str
    median_ms: float
    n: int
    ratio: float | None = None
    limit_name: str = ""
    target: float | None = None
    unit: str = "ms"

    @property
    def holds(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return (self.ratio if self.ratio is not None else self.median_ms) <= self.target


def of(name: str, taken_ms: Sequence[float], target: float | None = None) -> Result:
    """A result on its own: its target, if any, is in milliseconds."""
    return Result(name, round(median(taken_ms), 3), len(taken_ms), target=target)


def against(limit: Result, name: str, taken_ms: Sequence[float], target: float) -> Result:
    """A result compared with a limit of the same run."""
    middle = median(taken_ms)
    ratio = round(middle / limit.median_ms, 2)
    return Result(name, round(middle, 3), len(taken_ms), ratio, limit.name, target)
