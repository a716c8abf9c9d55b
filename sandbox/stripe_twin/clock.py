"""Twin time: the caller's clock plus what advance() added, pinned while a due job runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

MINUTE = 60
HOUR = 3600
DAY = 86_400


class TwinClock:
    """Seconds since the epoch, moved forward only."""

    def __init__(self, base: Callable[[], float]) -> None:
        self.base = base
        self.offset = 0.0
        self._pinned: float | None = None

    def now(self) -> float:
        return self._pinned if self._pinned is not None else self.base() + self.offset

    def second(self) -> int:
        return int(self.now())

    @contextmanager
    def at(self, moment: float) -> Iterator[None]:
        """Everything inside happens at that moment."""
        before, self._pinned = self._pinned, moment
        try:
            yield
        finally:
            self._pinned = before
