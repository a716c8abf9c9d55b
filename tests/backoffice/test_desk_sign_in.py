"""Staff come in through the identity provider, with the roles of their groups, and go out again."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from amends import clock, facts, people
from amends.models import ExceptionItem, Person, Session
from amends.people import Identity
from amends.rules.people import Role
from tests.backoffice import desk, scene
from tests.web import kit
from tests.web.fake_provider import FakeProvider
from web import oidc

pytestmark = pytest.mark.usefixtures("db")


class Desk:
    """The real desk, a browser at it, and a provider both talk to."""

    def __init__(self, **claims: Any) -> None:
        self.provider = FakeProvider(spoil=lambda told: told | claims)
        self.app: Starlette = desk.app()
        transport = httpx2.ASGITransport(app=self.provider.app)
        self.app.state.oidc = oidc.Provider(kit.settings(), transport)
        self.browser = kit.browser(self.app)

    async def sign_in(self, path: str = "/sign-in") -> httpx2.Response:
        asked = await self.browser.get(path)
        carried = self.provider.authorize(asked.headers["location"])
        return await self.browser.get(oidc.CALLBACK, params=carried)


async def test_it_lets_dana_in_with_the_role_of_her_group() -> None:
    at = Desk()
    answer = await at.sign_in("/sign-in?next=/approvals")

    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
    person = await Person.get(subject="dana.cole")
    assert (person.name, person.email, person.roles) == (
        "Dana Cole", "dana@amends.example", ["manager"],
    )  # fmt: skip
    page = await at.browser.get("/queue")
    assert page.status_code == 200 and "Dana Cole" in page.text


async def test_it_sends_visitors_to_the_sign_in_and_back() -> None:
    at = Desk()
    answer = await at.browser.get("/cases/RB-2401?view=all")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fcases%2FRB-2401%3Fview%3Dall"


@pytest.mark.req("T32")
@pytest.mark.parametrize("claim", ["roles", "role", "realm_access", "amends_roles"])
async def test_it_takes_roles_from_groups_and_from_no_other_claim(claim: str) -> None:
    at = Desk(**{"groups": ["amends-agents"], claim: ["manager", "amends-managers"]})
    await at.sign_in()
    assert (await Person.get(subject="dana.cole")).roles == ["agent"]


@pytest.mark.req("T26", "V6.3.2")
@pytest.mark.parametrize("groups", [[], ["staff"], ["amends-managers "], None])
async def test_it_lets_nobody_in_without_a_group_of_ours(groups: Any) -> None:
    at = Desk(groups=groups)
    answer = await at.sign_in()
    assert answer.status_code == 403 and "no role" in answer.text
    assert not await Session.exists() and not await Person.exists()


@pytest.mark.req("T26", "V6.8.1")
async def test_it_refuses_a_second_identity_with_a_known_address() -> None:
    await Desk().sign_in()
    other = Desk(sub="dana.second")

    answer = await other.sign_in()

    assert answer.status_code == 403 and "already belongs to another sign-in" in answer.text
    assert await Person.all().count() == 1
    assert (await ExceptionItem.get(kind=people.SECOND_IDENTITY)).key == "dana@amends.example"


@pytest.mark.req("V7.4.2")
async def test_it_refuses_who_was_switched_off() -> None:
    await Desk().sign_in()
    await Person.filter(subject="dana.cole").update(active=False)
    answer = await Desk().sign_in()
    assert answer.status_code == 403 and "switched off" in answer.text


@pytest.mark.req("T31", "V8.3.2")
async def test_it_reads_roles_from_the_database_on_every_request() -> None:
    at = Desk()
    await at.sign_in()
    assert (await at.browser.get("/people")).status_code == 200
    await Person.filter(subject="dana.cole").update(roles=["agent"])
    assert (await at.browser.get("/people")).status_code == 403
    await Person.filter(subject="dana.cole").update(active=False)
    assert (await at.browser.get("/people")).status_code == 303


@pytest.mark.req("T30")
async def test_a_step_up_by_somebody_else_is_refused() -> None:
    at = Desk()
    await at.sign_in()
    at.provider.spoil = lambda told: told | {
        "sub": "ruth.adeyemi", "email": "ruth@amends.example", "name": "Ruth Adeyemi",
    }  # fmt: skip
    answer = await at.sign_in("/sign-in/again?next=/approvals")
    assert answer.status_code == 400


@pytest.mark.req("V7.2.4", "V7.6.1")
async def test_a_step_up_renews_the_sign_in() -> None:
    at = Desk()
    await at.sign_in()
    before = await Session.get(ended_at=None)
    await Session.filter(id=before.id).update(auth_time=clock.now() - timedelta(minutes=9))

    answer = await at.sign_in("/sign-in/again?next=/approvals")

    assert answer.headers["location"] == "/approvals"
    after = await Session.get(ended_at=None)
    assert after.id != before.id and after.auth_time > clock.now() - timedelta(minutes=1)


@pytest.mark.req("V7.1.3")
async def test_it_signs_out_here_and_at_the_provider() -> None:
    at = Desk()
    await at.sign_in()
    answer = await at.browser.post("/sign-out")

    there = urlsplit(answer.headers["location"])
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{kit.ISSUER}/leave"
    assert parse_qs(there.query)["post_logout_redirect_uri"] == [f"{kit.DESK}/signed-out"]
    assert not await Session.filter(ended_at=None).exists()
    assert "You are signed out" in (await at.browser.get("/signed-out")).text


@pytest.mark.req("V7.1.3", "V7.4.5")
async def test_the_provider_ends_a_session_from_behind() -> None:
    at = Desk()
    await at.sign_in()
    token = at.provider.logout_token()
    outside = kit.browser(at.app, headers={})

    answer = await outside.post("/sign-out/backchannel", data={"logout_token": token})

    assert answer.status_code == 200
    assert (await at.browser.get("/queue")).status_code == 303


@pytest.mark.req("V9.1.1")
async def test_a_lie_about_signing_out_ends_nothing() -> None:
    at = Desk()
    await at.sign_in()
    outside = kit.browser(at.app, headers={})
    answer = await outside.post("/sign-out/backchannel", data={"logout_token": "e.e.e"})
    assert answer.status_code == 400
    assert (await at.browser.get("/queue")).status_code == 200


async def test_every_group_leads_to_its_role() -> None:
    assert set(people.GROUPS.values()) == set(Role)
    assert people.roles_of(["amends-leads", "other", "amends-agents"]) == (Role.AGENT, Role.LEAD)


async def test_it_lists_everybody_who_ever_signed_in() -> None:
    await people.sign_in(Identity("i", "s", "Sam@Amends.Example", "Sam Ito", ("amends-agents",)))
    with pytest.raises(facts.Refused):
        await people.sign_in(Identity("i", "t", "x@amends.example", "X", ()))
    assert [(one.name, one.email) for one in await people.everyone()] == [
        ("Sam Ito", "sam@amends.example")
    ]


async def test_somebody_signed_in_goes_on_at_once() -> None:
    client = await desk.browser(await scene.staff("Sam Ito"))
    answer = await client.get("/sign-in?next=/reports")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports")
