"""Where the past is played: a clock that is set, people to act as, and the worker's part done
at once, so that a request can be a week old when the demo starts."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tortoise.queryset import QuerySet

from amends import clock, papers, people, post
from amends.flow import advance
from amends.models import Account, Case, Document, MailItem
from amends.rules.people import Customer, Staff
from amends.settings import Settings
from sandbox import identity
from sandbox.seed.past import Past
from sandbox.seed.shop import Shop

_MOST_STEPS = 40


@dataclass
class Clock:
    """Stands where it was set and runs on from there, in whole seconds."""

    base: datetime
    since: float = field(default_factory=time.monotonic)

    def set(self, moment: datetime) -> None:
        self.base, self.since = moment, time.monotonic()

    def now(self) -> datetime:
        return self.base + timedelta(seconds=int(time.monotonic() - self.since))


@dataclass
class Stage:
    shop: Shop
    past: Past
    settings: Settings
    clock: Clock

    def at(self, ago: float, hour: float = 10.0) -> None:
        """Set the time: days before today, and the hour in New York's winter."""
        midnight = self.shop.moment(0).replace(hour=5, minute=0)
        self.clock.set(midnight - timedelta(days=ago) + timedelta(hours=hour))

    def hours_ago(self, hours: float) -> None:
        self.clock.set(datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours))

    async def customer(self, tenant_id: str) -> Customer:
        account = await Account.get(tenant_id=tenant_id)
        return Customer(
            account.id, account.billing_email, account.contact_name, account.organisation
        )

    async def staff(self, sub: str) -> Staff:
        """Somebody of the staff, just signed in."""
        person = next(each for each in identity.PEOPLE if each.sub == sub)
        at = clock.now()
        seen = await people.sign_in(
            people.Identity(
                self.settings.oidc_issuer, person.sub, person.email, person.name, person.groups, at
            )
        )
        return Staff(seen.id, seen.name, seen.email, frozenset(seen.roles), at)

    async def everybody(self) -> None:
        """Each of the staff has been here before, so that cases can be given to them."""
        for person in identity.PEOPLE:
            await self.staff(person.sub)

    async def work(self, case: Case) -> Case:
        """What the worker does until nothing is due, and then the post."""
        for _ in range(_MOST_STEPS):
            await advance.advance(case.id)
            case = await Case.get(id=case.id)
            if case.next_check_at is None or case.next_check_at > clock.now():
                break
        await self.send_post()
        return case

    async def send_post(self) -> None:
        await _each(Document.filter(state="queued"), papers.make)
        await _each(MailItem.filter(state="queued").order_by("created_at"), post.send)


async def _each(rows: QuerySet[Any], act: Callable[[str], Awaitable[None]]) -> None:
    for row in await rows:
        await act(str(row.id))
