"""The back office as an ASGI app: `backoffice.app:app`."""

from starlette.applications import Starlette

from amends import settings
from amends.gateways import stripe
from amends.settings import Settings
from backoffice.routes import ROUTES
from web import app as kit
from web.doors import Door


def make(known: Settings) -> Starlette:
    """The back office for these settings."""
    stripe.configure(known)
    return kit.build(door=Door.DESK, routes=ROUTES, settings=known)


app = make(settings.load())
