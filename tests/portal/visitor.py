"""A customer with a browser that keeps cookies, follows redirects and runs no script."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from amends import access, clock
from amends.rights import Process
from amends.rules.people import Customer
from portal import app as portal
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.world import World
from tests.roles import under
from tests.web import kit

BASE = kit.PORTAL
NONCE = re.compile(r'(?:nonce="[^"]*"|class="id">[A-Z2-9]{10}<)')


def make_app() -> Starlette:
    """The real portal, with the database rights of its process and no more.

    Its Stripe is whatever the scene puts in place afterwards.
    """
    made = portal.make(kit.settings(stripe_api_base="http://twin.test"))
    return under.under(made, Process.PORTAL)


@dataclass
class Page:
    """What came back, after all redirects."""

    status: int
    url: str
    text: str
    headers: Mapping[str, str]
    data: bytes = b""
    loads: int = 1

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.text, re.DOTALL)
        return html.unescape(found[1].strip()) if found else ""

    @property
    def words(self) -> str:
        """The text of the page as people read it."""
        body = re.sub(r"<(script|style).*?</\1>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())

    @property
    def path(self) -> str:
        return self.url.removeprefix(BASE)

    def error(self, name: str) -> str:
        """The sentence beside a field."""
        found = re.search(rf'id="{name}-err".*?</span>(.*?)</span>', self.text, re.DOTALL)
        return html.unescape(found[1]) if found else ""

    def summary(self) -> dict[str, str]:
        """The errors on top: what each links to, and its sentence."""
        box = re.search(r'class="errsum".*?</ul>', self.text, re.DOTALL)
        links = re.findall(r'<a href="#([^"]+)">(.*?)</a>', box[0]) if box else []
        return {name: html.unescape(sentence) for name, sentence in links}

    def value(self, name: str) -> str:
        found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', self.text)
        return html.unescape(found[1]) if found else ""

    def link(self, words: str) -> str:
        """Where a link with these words leads."""
        for address, text in re.findall(r'<a [^>]*href="([^"]+)"[^>]*>(.*?)</a>', self.text, re.S):
            if words in html.unescape(re.sub(r"<[^>]+>", "", text)):
                return html.unescape(address)
        raise AssertionError(f"no link {words!r} on {self.url}")


class Browser:
    """Follows redirects within the portal; what leads elsewhere is handed back."""

    def __init__(self, application: Starlette) -> None:
        self.http: httpx2.AsyncClient = kit.browser(application)

    async def get(self, path: str, **headers: str) -> Page:
        return await self._follow(await self.http.get(path, headers=headers))

    async def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> Page:
        return await self._follow(await self.http.post(path, data=dict(data or {}), **more))

    async def upload(
        self, path: str, data: Mapping[str, Any], name: str, content: bytes, kind: str
    ) -> Page:
        files = {"file": (name, content, kind)}
        return await self._follow(await self.http.post(path, data=dict(data), files=files))

    async def _follow(self, answer: httpx2.Response) -> Page:
        loads = 1
        while answer.status_code == 303:
            target = answer.headers["location"]
            if not target.startswith(("/", BASE)):
                return Page(303, target, "", answer.headers)
            answer = await self.http.get(target)
            loads += 1
        return Page(answer.status_code, str(answer.url), answer.text, answer.headers,
                    answer.content, loads)  # fmt: skip

    async def sign_in(self, who: Customer) -> None:
        """As after a right code, without the mail."""
        now = clock.now()
        token = await access.start_session(
            access.NewSession("portal", who.email, now, now + timedelta(hours=12), who.account_id)
        )
        self.http.cookies.set("__Host-amends-portal", token, domain="billing.amends.example")


async def enter_card(world: World, address: str, number: str = "5454545454545454") -> str:
    """Fill in the payment provider's page; returns where it sends the customer."""
    transport = httpx2.ASGITransport(app=create_app(world))
    async with httpx2.AsyncClient(transport=transport, base_url="http://twin.example") as visitor:
        form = {"number": number, "expiry": "12 / 34", "cvc": "123", "name": "Priya Raman"}
        answer = await visitor.post(address, data=form)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])
