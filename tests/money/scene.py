"""One case told from approval to its end, by a worker that may die at any point on the way."""

from dataclasses import dataclass
from typing import Any

from amends.gateways import stripe_client
from amends.models import Case, ExceptionItem, LedgerEntry, Leg, MailItem
from amends.rules.people import Customer, Staff
from amends.rules.workflow import Status
from tests import shop as shops
from tests.money.points import Killed, PointedClient, Points, arrive
from tests.shop import Shop

# After these, whatever was unknown is known and whatever was lost was sent again.
REST = (70, 70, 400, 400, 400, 4_000, 4_000, 90_000, 90_000)


@dataclass
class Scene:
    """A shop, its people, and the worker whose points are counted."""

    shop: Shop
    agent: Staff
    manager: Staff
    points: Points
    sold: shops.Sale | None = None

    def take(self) -> None:
        """Its clock and its Stripe, with points around each call."""
        self.shop.take()
        client = PointedClient(self.shop.world, self.points)
        stripe_client.use(stripe_client.for_transport(client))

    async def approved(self, *deposits: tuple[str, int], **how: Any) -> Case:
        self.sold = await shops.sale(self.shop, *deposits)
        made = await shops.approved(self.shop, self.sold, self.agent, self.manager, **how)
        return made.case

    @property
    def priya(self) -> Customer:
        assert self.sold is not None
        account = self.sold.account
        return Customer(account.id, account.billing_email, "Priya Raman", account.organisation)

    async def work(self, case: Case) -> Case:
        """All looks that are due; when this worker dies, another one finishes.

        What the dead one had on the wire arrives only after the other one has looked.
        """
        late, self.points.on = bool(self.points.late), True
        try:
            return await shops.work(case)
        except Killed:
            return await shops.work(case)
        finally:
            self.points.on = False
            if late:
                await arrive(self.shop.world, self.points)

    async def until(self, case: Case, status: Status) -> Case:
        """Work on until the case is there, as people do who wait for it."""
        for span in (0, *REST):
            self.shop.pass_(seconds=span)
            case = await self.work(case)
            if case.status is status:
                return case
        raise AssertionError(f"the case is {case.status}, not {status}")

    async def rest(self, case: Case) -> Case:
        for span in REST:
            self.shop.pass_(seconds=span)
            case = await self.work(case)
        return case


async def end_of(shop: Shop, case: Case) -> dict[str, object]:
    """Everything in which two runs of the same story must be equal."""
    legs = await Leg.filter(case_id=case.id).order_by("plan_id", "position")
    entries = await LedgerEntry.filter(case_id=case.id)
    # When the bank's trace number comes depends on the refund's id alone.
    mails = await MailItem.filter(case_id=case.id).exclude(kind="bank_reference")
    open_items = await ExceptionItem.filter(case_id=case.id, resolved_at=None)
    moved = [(row.kind, row.card_last4, row.amount_minor) for row in shop.world.ledger()]
    return {
        "status": (await Case.get(id=case.id)).status,
        "legs": [(leg.kind, leg.state, leg.amount_minor, bool(leg.stripe_id)) for leg in legs],
        "stripe": sorted(map(str, moved)),
        "ledger": sorted((e.book.split(":")[0], e.amount_minor, e.effect) for e in entries),
        "mails": sorted(mail.kind for mail in mails),
        "desk": sorted({item.kind for item in open_items}),
    }
