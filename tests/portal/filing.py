"""Filing requests through the pages, as a customer without JavaScript does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from amends.models import Case
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser, Page

STORY = "Our scanner has been sitting in customs for five weeks."


@dataclass
class Filing:
    """One draft on its way; counts the pages that were loaded and the fields that were typed."""

    browser: Browser
    base: str = ""
    pages: list[str] = field(default_factory=list)
    typed: int = 0

    async def start(self, kind: str) -> Page:
        self.pages.append("kinds")
        await self.browser.get("/requests/new")
        page = await self.browser.post("/requests/new", {"kind": kind})
        self.base = "/".join(page.path.split("/")[:4])
        return self._seen(page)

    async def answer(self, step: str, data: Mapping[str, Any], typed: int = 0) -> Page:
        self.typed += typed
        return self._seen(await self.browser.post(f"{self.base}/{step}", data))

    def _seen(self, page: Page) -> Page:
        if page.status == 200:
            self.pages.append(page.path.split("?")[0].rsplit("/", 1)[-1])
        return page

    @property
    def ref(self) -> str:
        return self.base.rsplit("/", 1)[-1]

    async def case(self) -> Case:
        return await Case.get(ref=self.ref)

    async def send(self) -> Page:
        return await self.browser.post(f"{self.base}/check")


def order(shop: Customers) -> dict[str, str]:
    return {"order": f"order:{shop.order.id}"}


def amount(shop: Customers, last4: str = "0005", **more: str) -> dict[str, str]:
    return {"last4": last4, "whole": "all", "bank": "no", **more}


async def rebill(browser: Browser, shop: Customers, **changes: Any) -> Filing:
    """A refund-and-new-card request, answered up to the check."""
    filing = Filing(browser)
    await filing.start("rebill")
    await filing.answer("order", order(shop))
    await filing.answer("reason", {"reason": changes.get("reason", "shipping_delay")})
    await filing.answer("amount", amount(shop, changes.get("last4", "0005")), typed=1)
    await filing.answer("new-card", {"card": changes.get("card", shop.new_card["id"])})
    await filing.answer("story", {"story": changes.get("story", STORY)}, typed=1)
    return filing


async def sent(browser: Browser, shop: Customers, **changes: Any) -> Case:
    """The same, sent."""
    page = await (await rebill(browser, shop, **changes)).send()
    assert page.status == 200, page.text
    return await Case.get(ref=page.path.split("/")[2])
