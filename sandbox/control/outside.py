"""Everything outside the application, in one hand: clock, twin, provider, mail."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.clock import Clock
from sandbox.control.links import Links
from sandbox.identity import Provider
from sandbox.mailbox import Server
from sandbox.stripe_twin.world import World


@dataclass(frozen=True)
class Done:
    """One thing that was done here, as a sentence."""

    at: datetime
    sentence: str


@dataclass(frozen=True)
class Outside:
    clock: Clock
    world: World
    provider: Provider
    mail: Server
    links: Links
    log: list[Done] = field(default_factory=list)

    def advance(self, seconds: int) -> None:
        """Time passes everywhere: the twin reads this clock too, and does what has become due."""
        self.clock.advance(seconds)
        self.world.run_due()

    def note(self, sentence: str) -> None:
        self.log.append(Done(self.clock.now(), sentence))
