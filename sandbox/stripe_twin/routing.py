"""Which handler answers which method and path, and what right it takes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area, Right

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

Handler = Callable[["World", Request], Doc]


@dataclass(frozen=True)
class Route:
    """One call. The path is the SDK's own template, so the SDK's parameter rules apply."""

    method: str
    path: str
    handler: Handler
    area: Area
    right: Right


def read(path: str, handler: Handler, area: Area) -> Route:
    return Route("GET", path, handler, area, Right.READ)


def write(path: str, handler: Handler, area: Area) -> Route:
    return Route("POST", path, handler, area, Right.WRITE)


def delete(path: str, handler: Handler, area: Area) -> Route:
    return Route("DELETE", path, handler, area, Right.WRITE)


def ask(path: str, handler: Handler, area: Area) -> Route:
    """A POST that changes nothing: previews."""
    return Route("POST", path, handler, area, Right.READ)


class Router:
    """A tree of path segments; {} stands for an id."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._tree: dict[str, Any] = {}
        for route in self.routes:
            node = self._tree
            for part in route.path.split("/")[1:]:
                node = node.setdefault("{}" if part.startswith("{") else part, {})
            node[route.method + " "] = route

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        node = self._tree
        ids = []
        for part in path.split("/")[1:]:
            found = node.get(part)
            if found is None:
                found = node.get("{}")
                ids.append(part)
            if found is None:
                return None
            node = found
        route = node.get(method + " ")
        return (route, tuple(ids)) if route else None
