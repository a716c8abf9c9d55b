"""The portal as an ASGI app: `portal.app:app`."""

from starlette.applications import Starlette

from amends import settings
from amends.gateways import stripe
from amends.settings import Settings
from portal.routes import ROUTES
from web import app as kit
from web.doors import Door


def make(known: Settings) -> Starlette:
    """The portal for these settings."""
    stripe.configure(known)
    return kit.build(door=Door.PORTAL, routes=ROUTES, settings=known)


app = make(settings.load())
