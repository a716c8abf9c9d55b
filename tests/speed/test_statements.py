"""No page asks PostgreSQL more than six times, the session and the viewer's roles included."""

from collections.abc import Mapping

import pytest

from amends.rules.people import Role
from backoffice.routes import ROUTES as DESK
from portal.routes import ROUTES as PORTAL
from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from tests.portal.filing import Filing
from tests.portal.visitor import Browser
from tests.speed.counting import statements
from web.guards import GuardedRoute

MOST = 6
# Where a page leads elsewhere it asks nothing of ours: the identity provider, a payment page.
ELSEWHERE = ("/sign-in/again", "/sign-in", "/sign-in/callback", "/billing/card/return")


def _gets(routes: list[GuardedRoute]) -> list[GuardedRoute]:
    return [r for r in routes if "GET" in (r.methods or ()) and r.path not in ELSEWHERE]


def _address(route: GuardedRoute, known: Mapping[str, object]) -> str:
    params = {name: known[name] for name in route.param_convertors}
    return str(route.url_path_for(route.name, **params))


async def _too_many(client: object, addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """Pages with more statements than they may have, and those statements."""
    found = {}
    for path, address in addresses.items():
        with statements() as seen:
            answer = await client.get(address)  # type: ignore[attr-defined]
        assert answer.status_code < 500, f"{path}: {answer.status_code}"
        if len(seen) > MOST:
            found[f"{path} asks {len(seen)} times"] = [str(each)[:90] for each in seen]
    return found


@pytest.mark.usefixtures("db")
async def test_no_page_of_the_desk_asks_more_than_six_times() -> None:
    harbor = await scene.harbor()
    sam = await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole", Role.MANAGER, Role.ADMIN, Role.SECURITY, Role.AUDITOR)
    waiting, _ = await scene.proposed(harbor, sam)
    taken = await scene.in_triage(harbor, sam)
    client = await desk.browser(dana)
    known = {"ref": waiting.ref, "file": "x", "tenant": "hf-0213", "name": "done", "id": 1,
             "dispute": "du_none", "way": "keep"}  # fmt: skip
    addresses = {route.path: _address(route, known) for route in _gets(DESK)}
    more = {f"/cases of {case.ref}": f"/cases/{case.ref}?view=all" for case in (waiting, taken)}
    more |= {f"/queue {view}": f"/queue?view={view}" for view in ("my", "all", "security")}
    more |= {f"/search {q}": f"/search?q={q}" for q in ("scanner+customs", "4242", "SO-10482")}
    assert await _too_many(client, addresses | more) == {}


@pytest.mark.usefixtures("own_files")
async def test_no_page_of_the_portal_asks_more_than_six_times(
    priya: Browser, harbor: Customers
) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    approved = await scene.approved(harbor, sam, dana)
    filing = Filing(priya)
    page = await filing.start("rebill")
    draft = page.path.split("/")[3]
    known = {"ref": approved.ref, "draft": draft, "file": "x", "email": 1}
    addresses = {route.path: _address(route, known) for route in _gets(PORTAL)}
    assert await _too_many(priya.http, addresses) == {}


@pytest.mark.usefixtures("db")
async def test_the_desks_lists_ask_twice() -> None:
    """The session, and the page with all that stands beside it and the note of who looked."""
    await scene.submitted(await scene.harbor())
    client = await desk.browser(await scene.staff("Sam Ito"))
    for address in ("/queue?view=all", "/search?q=SO-10482"):
        with statements() as seen:
            assert (await client.get(address)).status_code == 200
        assert len(seen) == 2, [str(each)[:90] for each in seen]
