"""Exceptions that are facts: raised by the domain, turned into pages in one table."""

from datetime import datetime


class Fact(Exception):
    """Something true that stops an action. `str()` is a sentence a person can read."""


class NotFound(Fact):
    """There is no such thing, or it is not the viewer's to see."""


class Refused(Fact):
    """A rule says no; the sentence says which and what to do."""


class Stale(Fact):
    """The page was older than the case; nothing was done."""


class AlreadyDecided(Fact):
    """Somebody was faster. Says who, when and what."""

    def __init__(self, sentence: str, who: str = "", when: datetime | None = None) -> None:
        super().__init__(sentence)
        self.who = who
        self.when = when


class InvalidInput(Fact):
    """Input that cannot be taken: one plain sentence per field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class Unavailable(Fact):
    """A neighbour does not answer now; nothing was lost, try again later."""


class TooMany(Fact):
    """A limit is reached; `retry_after` is in seconds."""

    def __init__(self, sentence: str, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after
