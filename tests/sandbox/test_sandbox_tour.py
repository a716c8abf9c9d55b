"""The tour of the control page: every stop is a real page, and its person exists."""

from datetime import date
from urllib.parse import urlsplit

import pytest
from starlette.routing import Match

from backoffice import routes as desk
from portal import routes as portal
from sandbox.control.links import Links
from sandbox.control.tour import WALKS, Door, Stop
from sandbox.identity.people import PEOPLE
from sandbox.seed import shop
from web.guards import GuardedRoute

STOPS = [stop for walk in WALKS for stop in walk.stops]
SHOP = shop.load(date(2026, 11, 23))
ORDERS = {order.number for customer in SHOP.customers for order in customer.orders}


def leads_somewhere(routes: list[GuardedRoute], path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": urlsplit(path).path, "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.what)
def test_every_stop_is_a_page_and_its_person_is_known(stop: Stop) -> None:
    match stop.door:
        case Door.PORTAL:
            assert leads_somewhere(portal.ROUTES, stop.path)
            assert stop.who in {customer.contact_name for customer in SHOP.customers}
        case Door.DESK:
            assert leads_somewhere(desk.ROUTES, stop.path)
            assert stop.who in {person.name for person in PEOPLE}
        case Door.OUTSIDE:
            assert not stop.who and stop.path.startswith("/")
    if "q=SO-" in stop.path:
        assert stop.path.partition("q=")[2] in ORDERS


def test_a_stop_opens_behind_its_own_door() -> None:
    links = Links("http://portal.test", "http://desk.test")
    found = {stop.door: links.address(stop) for stop in STOPS}
    assert found[Door.PORTAL].startswith("http://portal.test/")
    assert found[Door.DESK].startswith("http://desk.test/")
    assert found[Door.OUTSIDE].startswith("/")
