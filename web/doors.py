"""The two doors, and what each process knows for its whole life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from jinja2 import Environment
from starlette.requests import HTTPConnection
from starlette.routing import Route

from amends import keyring
from amends.settings import Settings
from web.assets import Assets


class Door(StrEnum):
    PORTAL = "portal"
    DESK = "desk"


@dataclass(frozen=True)
class SessionLimits:
    """How long a sign-in lasts: without use, and at most."""

    idle: timedelta
    absolute: timedelta


LIMITS: Mapping[Door, SessionLimits] = {
    Door.PORTAL: SessionLimits(timedelta(minutes=30), timedelta(hours=12)),
    Door.DESK: SessionLimits(timedelta(minutes=15), timedelta(hours=8)),
}


@dataclass(frozen=True)
class House:
    """One door's fixed parts. Handlers reach it through the kit, never directly."""

    door: Door
    settings: Settings
    assets: Assets
    templates: Environment
    routes: Mapping[str, Route]
    all_routes: tuple[Route, ...]
    # Other origins that forms may lead to: the payment pages, the identity provider.
    origins: tuple[str, ...]
    limits: SessionLimits
    # What signs cookies; the first signs, all verify.
    keys: tuple[keyring.Key, ...] = field(repr=False)

    @property
    def base_url(self) -> str:
        """The configured public address; links in mail never come from the Host header."""
        by_door = {
            Door.PORTAL: self.settings.portal_url,
            Door.DESK: self.settings.backoffice_url,
        }
        return by_door[self.door].rstrip("/")


def house(connection: HTTPConnection[Any]) -> House:
    found: House = connection.app.state.house
    return found
