"""Who may use which address: every route, every role, and visitors."""

from typing import Any

import pytest

from amends.rules.people import Role
from backoffice.routes import ROUTES
from tests.backoffice import desk, scene
from tests.web import kit
from web.guards import PUBLIC, SIGNED, STAFF, GuardedRoute

pytestmark = pytest.mark.usefixtures("db")
PRIVATE = [route for route in ROUTES if route.allow not in (PUBLIC, SIGNED)]
AGAIN = "/sign-in/again"
# Who passes the guard and is then answered by the domain.
PASSED = {200, 303, 404, 409, 415, 422}


def _path(route: GuardedRoute) -> str:
    known: dict[str, Any] = {
        "ref": "RB-1",
        "file": "x",
        "tenant": "none",
        "name": "none",
        "id": 1,
        "dispute": "du_none",
        "way": "keep",
    }
    return str(route.url_path_for(route.name, **{k: known[k] for k in route.param_convertors}))


def _method(route: GuardedRoute) -> str:
    return next(method for method in sorted(route.methods or ()) if method != "HEAD")


def _id(route: GuardedRoute) -> str:
    return f"{_method(route)} {route.path}"


@pytest.mark.parametrize("route", PRIVATE, ids=_id)
async def test_a_visitor_is_sent_to_the_sign_in(route: GuardedRoute) -> None:
    client = kit.browser(desk.app())
    answer = await client.request(_method(route), _path(route))
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.req("V8.2.1", "G7")
@pytest.mark.parametrize("role", list(Role))
async def test_each_role_reaches_what_the_routes_say(role: Role) -> None:
    client = await desk.browser(await scene.staff("Kim Test", role))
    for route in PRIVATE:
        if route.path == AGAIN:
            continue  # leads to the provider, who is not there in this test
        answer = await client.request(_method(route), _path(route))
        may = route.allow == STAFF or role.value in route.allow
        assert answer.status_code in (PASSED if may else {403}), _id(route)


@pytest.mark.req("T37")
@pytest.mark.parametrize("route", [r for r in PRIVATE if _method(r) == "POST"], ids=_id)
async def test_another_site_can_post_nothing(route: GuardedRoute) -> None:
    client = await desk.browser(await scene.staff("Dana Cole"))
    answer = await client.post(_path(route), headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403 and "not sent from one of our pages" in answer.text


@pytest.mark.req("T30", "V7.5.3")
async def test_a_decision_wants_a_fresh_sign_in_at_the_door_too() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case, plan = await scene.proposed(shop, sam)
    client = await desk.browser(dana, auth_time=desk.long_ago())

    page = await client.get(f"/approvals/{case.ref}")
    assert "Sign in again" in page.text and 'name="decision"' not in page.text
    answer = await client.post(
        f"/approvals/{case.ref}",
        data={"version": case.version, "plan": 1, "digest": plan.digest, "decision": "approve"},
        headers={"referer": f"{kit.DESK}/approvals/{case.ref}"},
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in/again?next=%2Fapprovals%2F{case.ref}"


async def test_who_may_not_know_of_security_gets_no_such_view() -> None:
    sam, noor = await scene.staff("Sam Ito"), await scene.staff("Noor Haddad")
    assert (await (await desk.browser(sam)).get("/queue?view=security")).status_code == 404
    assert (await (await desk.browser(noor)).get("/queue?view=security")).status_code == 200


@pytest.mark.req("T62", "V14.3.2")
async def test_every_staff_page_is_kept_out_of_caches() -> None:
    client = await desk.browser(await scene.staff("Sam Ito"))
    answer = await client.get("/queue")
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'nonce-" in answer.headers["content-security-policy"]
