"""The state of one seed's world."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from amends import clock
from amends.rules.people import Staff
from sandbox.stripe_twin.documents import Doc
from tests import shop as shops
from tests.shop import Shop
from tests.simulate import invariants
from tests.simulate.wire import Wire

PEOPLE: dict[str, Staff] = {}
# What the invariants of Stripe's side are made of.
_MONEY = frozenset({"refund", "payment_intent", "charge"})


@dataclass
class Scene:
    """One case, its shop, and what has happened so far."""

    seed: int
    random: Random
    shop: Shop
    books: invariants.Books
    wire: Wire
    case_id: int = 0
    sold: shops.Sale | None = None
    charged: set[str] = field(default_factory=set)
    deliveries: list[tuple[bytes, str]] = field(default_factory=list)
    mishaps: int = 0
    mishap_chance: float = 0.0
    late_chance: float = 0.0
    acts: int = 0
    in_the_dashboard: set[str] = field(default_factory=set)
    skew_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    unchecked: bool = True

    def take_clock(self) -> None:
        """Our clock is the shop's, give or take what `skew_s` says; the twin's is exact."""
        clock.use(self.now, self.shop.time.monotonic)

    def now(self) -> datetime:
        return self.shop.time.at + timedelta(seconds=self.skew_s)

    def watch_money(self) -> None:
        """Notice every change of the twin's money, so that each is checked once."""
        store = self.shop.world.store
        add, touch = store.add, store.touch

        def added(doc: Doc) -> Doc:
            self.unchecked = self.unchecked or doc["object"] in _MONEY
            return add(doc)

        def touched(doc: Doc) -> None:
            self.unchecked = self.unchecked or doc["object"] in _MONEY
            touch(doc)

        store.add, store.touch = added, touched  # type: ignore[method-assign]

    def check(self) -> None:
        """The invariants of Stripe's side, whenever money changed there."""
        if not self.unchecked:
            return
        self.unchecked = False
        invariants.at_every_step(self.books)
        for intent in self.books.intents():
            if intent["status"] == "succeeded" and intent["id"] not in self.charged:
                self.charged.add(str(intent["id"]))
                if not self._failed_late():
                    invariants.when_charged(self.books, intent)

    def _failed_late(self) -> bool:
        """A refund that failed in the very moment of the charge cannot be foreseen by anyone."""
        return any(each["status"] == "failed" for each in self.books.refunds())
