"""Building a door, its start and stop, and that templates only name icons there are."""

import re

from amends.settings import project_root
from tests.web import kit
from web import guards
from web.doors import Door

TEMPLATES = project_root() / "templates"


async def test_it_opens_the_database_at_start_and_closes_it_at_the_end(
    shared_database_url: str,
) -> None:
    app = kit.make_app([], database_url=shared_database_url)
    async with app.router.lifespan_context(app):
        assert (await kit.browser(app).get("/healthz")).text == "ok"
    assert (await kit.browser(app).get("/healthz")).status_code >= 500


def test_the_two_doors_have_their_own_cookies_hosts_and_limits() -> None:
    portal, desk = (kit.make_app([], door).state.house for door in Door)
    assert (portal.base_url, desk.base_url) == (kit.PORTAL, kit.DESK)
    assert portal.limits.idle > desk.limits.idle


def test_the_secret_is_the_operators_or_this_process_own() -> None:
    assert [key.secret for key in kit.make_app([]).state.house.keys] == [b"k" * 40]
    first, second = (kit.make_app([], secret_key="").state.house.keys[0] for _ in range(2))
    assert len(first.secret) == 32 and first.secret != second.secret


def test_a_handler_on_two_paths_has_no_name_to_link_to() -> None:
    routes = [guards.route("GET", path, kit.ok, allow=guards.PUBLIC) for path in ("/a", "/b")]
    named = kit.make_app(routes).state.house.routes
    assert "kit.ok" not in named and "theme" in named


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    sprite = (project_root() / "static" / "icons.svg").read_text()
    known = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {
        (path.name, icon)
        for path in TEMPLATES.rglob("*.html")
        for icon in re.findall(r"icon\('([a-z0-9-]+)'", path.read_text())
    }
    assert {pair for pair in named if pair[1] not in known} == set()
