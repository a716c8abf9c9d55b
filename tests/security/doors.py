"""Both doors with all their addresses, and the written table of who may use which."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from amends.gateways import stripe
from backoffice.routes import ROUTES as DESK_ROUTES
from portal.routes import ROUTES as PORTAL_ROUTES
from sandbox.stripe_twin import transport
from tests.backoffice import desk
from tests.backoffice.scene import Customers
from tests.portal import visitor
from tests.web import kit
from web import basics
from web.doors import Door
from web.guards import GuardedRoute

TABLE = Path(__file__).parent / "access.toml"
BASICS = {door: basics.routes(door) for door in Door}
ROUTES: dict[Door, list[GuardedRoute]] = {
    Door.PORTAL: [*PORTAL_ROUTES, *BASICS[Door.PORTAL]],
    Door.DESK: [*DESK_ROUTES, *BASICS[Door.DESK]],
}
# Nothing of these exists for whoever asks.
STRANGE: dict[str, Any] = {
    "ref": "RB-999999",
    "draft": "RB-999999",
    "file": "0b0e1b0e-0000-4000-8000-000000000000",
    "tenant": "zz-0000",
    "name": "none",
    "id": 999999,
    "dispute": "du_none",
    "way": "keep",
    "email": 999999,
}


@dataclass(frozen=True)
class Row:
    """One address of one door and who may use it, as it is written down."""

    door: str
    method: str
    path: str
    who: tuple[str, ...]
    fresh: bool = False

    @property
    def key(self) -> str:
        return f"{self.door} {self.method} {self.path}"


def method_of(route: GuardedRoute) -> str:
    return next(method for method in sorted(route.methods or ()) if method != "HEAD")


def of_code() -> list[Row]:
    """As the code has it."""
    return [
        Row(door.value, method_of(route), route.path, tuple(sorted(route.allow)), route.step_up)
        for door, routes in ROUTES.items()
        for route in routes
    ]


def written() -> list[Row]:
    """As the table has it: one line per address."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [
        Row(door, *key.split(" ", 1), tuple(sorted(who.removesuffix(" !").split())),
            who.endswith(" !"))
        for door, entries in rows.items() for key, who in entries.items()
    ]  # fmt: skip


def write() -> str:
    """The table anew from the code, to be read before it is committed."""
    lines = ["# Who may use which address; ! wants a sign-in of the last five minutes."]
    for door in Door:
        lines += ["", f"[{door.value}]"]
        lines += [
            f'"{row.method} {row.path}" = "{" ".join(row.who)}{" !" if row.fresh else ""}"'
            for row in of_code() if row.door == door.value
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def address(row: Row, **ids: Any) -> str:
    """The path with these ids in it, and nothing real in the other places."""
    path = row.path.replace(":int", "")
    for name, value in {**STRANGE, **ids}.items():
        path = path.replace("{" + name + "}", str(value))
    return path


def portal_app(shop: Customers) -> Starlette:
    made = visitor.make_app()
    stripe.use(stripe.for_transport(transport.client_for(shop.world)))
    return made


def desk_app() -> Starlette:
    return desk.app()


def nobody(app: Starlette) -> httpx2.AsyncClient:
    return kit.browser(app)


def long_ago() -> Any:
    return desk.long_ago()
