"""Optional: customers sign in through a provider that proves a registered billing address."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from amends.models import MailItem, Session
from amends.rights import Process
from portal import app as portal
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser
from tests.roles import under
from tests.web import kit
from tests.web.fake_provider import Claims, FakeProvider
from web import oidc
from web.doors import Door

pytestmark = pytest.mark.req("V6.8.2", "V6.8.1", "V10.1.2", "V10.5.4")
KNOWN = {
    "customer_oidc_issuer": kit.ISSUER,
    "customer_oidc_client_id": "amends-desk",
    "customer_oidc_client_secret": "s" * 32,
    "customer_oidc_name": "Harbor ID",
}


def saying(**claims: object) -> FakeProvider:
    def spoil(honest: Claims) -> Claims:
        told = honest | {"sub": "priya", "email": scene.EMAIL, "email_verified": True} | claims
        return {name: value for name, value in told.items() if value is not None}

    return FakeProvider(spoil=spoil)


class Portal:
    """The portal with its provider, and a browser at it."""

    def __init__(self, provider: FakeProvider, **changes: object) -> None:
        self.provider = provider
        known = kit.settings(**(KNOWN | {"stripe_api_base": "http://twin.test"} | changes))
        self.app = under.under(portal.make(known), Process.PORTAL)
        transport = httpx2.ASGITransport(app=provider.app)
        if known.customers_have_provider:
            self.app.state.oidc = oidc.Provider(known, transport, Door.PORTAL)
        self.browser = Browser(self.app)

    async def leave(self) -> str:
        page = await self.browser.post("/sign-in/company", {"next": "/billing"})
        assert page.status == 303
        return page.url

    async def sign_in(self) -> httpx2.Response:
        carried = self.provider.authorize(await self.leave())
        return await self.browser.http.get(oidc.CALLBACK, params=carried)


@pytest.fixture
async def harbor(db: None) -> AsyncIterator[Customers]:
    yield await scene.harbor()


async def test_without_a_provider_there_is_no_button_and_no_page(harbor: Customers) -> None:
    plain = Portal(saying(), customer_oidc_issuer="")
    assert "/sign-in/company" not in (await plain.browser.get("/sign-in")).text
    assert (await plain.browser.post("/sign-in/company")).status == 404
    assert (await plain.browser.get(f"{oidc.CALLBACK}?code=1&state=2")).status == 404


async def test_the_button_leads_to_the_provider_with_pkce_state_and_nonce(
    harbor: Customers,
) -> None:
    at = Portal(saying())
    page = await at.browser.get("/sign-in")
    assert "Sign in with Harbor ID" in page.text
    assert kit.ISSUER in page.headers["content-security-policy"]
    asked = parse_qs(urlsplit(await at.leave()).query)
    assert asked["redirect_uri"] == [kit.PORTAL + oidc.CALLBACK]
    assert asked["code_challenge_method"] == ["S256"]
    assert (await at.browser.get("/sign-in/company")).status == 405, "a link does nothing"


async def test_priya_comes_in_as_the_holder_of_her_address(harbor: Customers) -> None:
    answer = await Portal(saying(email=scene.EMAIL.upper())).sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/billing")
    session = await Session.get()
    assert (session.account_id, session.door, session.person_id) == (
        harbor.account.id, "portal", None,
    )  # fmt: skip
    assert (await MailItem.get(kind="new_sign_in")).recipient == scene.EMAIL


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"email_verified": 1},
        {"email": None},
        {"email": "stranger@elsewhere.example"},
        {"email": f"{scene.EMAIL}.evil.example"},
    ],
)
async def test_an_address_that_is_not_proven_or_not_ours_lets_nobody_in(
    harbor: Customers, claims: dict[str, object]
) -> None:
    answer = await Portal(saying(**claims)).sign_in()
    assert answer.status_code == 403
    assert "does not prove one of our registered billing addresses" in answer.text
    assert await Session.all().count() == 0


@pytest.mark.parametrize(
    "claims", [{"aud": "another"}, {"iss": "https://evil.example"}, {"nonce": "x"}, {"exp": 1}]
)
async def test_a_spoiled_token_lets_nobody_in(harbor: Customers, claims: dict[str, object]) -> None:
    assert (await Portal(saying(**claims)).sign_in()).status_code == 400
    assert await Session.all().count() == 0


async def test_the_answer_is_worth_nothing_in_another_browser(harbor: Customers) -> None:
    at = Portal(saying())
    carried = at.provider.authorize(await at.leave())
    other = Browser(at.app)
    assert (await other.http.get(oidc.CALLBACK, params=carried)).status_code == 400
    assert await Session.all().count() == 0


async def test_the_groups_of_the_provider_make_nobody_staff(harbor: Customers) -> None:
    await Portal(saying(groups=["amends-managers"], roles=["manager"])).sign_in()
    assert (await Session.get()).person_id is None
