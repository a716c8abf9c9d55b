"""What a process refuses to start with, each with a named reason. Values are never repeated."""

import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

from amends.rights import Process
from amends.settings import Settings

_SHORTEST_KEY = 32
# Random text of this length has at least this many different letters, but for one in billions.
_FEWEST_LETTERS = 10
_SAMPLES = re.compile(
    r"change.?me|replace.?me|example|sample|secret.?key|password|insecure|tests?.?only|your.?|xxx"
    r"|0123456789|abcdefgh|whsec_(?:sandbox|test|dummy|\.\.\.)",
    re.IGNORECASE,
)
_RESTRICTED = ("rk_test_", "rk_live_")
_STRIPE_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_\S+")


def in_production(settings: Settings, today: date) -> bool:
    """From the day of AMENDS_GO_LIVE on, and always with a live key: real money, real customers."""
    return settings.has_live_key or _went_live(settings.go_live, today)


def _went_live(go_live: str, today: date) -> bool:
    try:
        return bool(go_live) and date.fromisoformat(go_live[:10]) <= today
    except ValueError:
        return True  # unreadable, and said so below


def refusals(settings: Settings, process: Process, today: date) -> tuple[str, ...]:
    """Every reason not to start this process; none when all is well."""
    return (
        *_keys(settings),
        *_webhook(settings, process),
        *_stripe_key(settings, process),
        *_dates(settings),
        *(_production(settings, process) if in_production(settings, today) else ()),
    )


def _keys(settings: Settings) -> Iterator[str]:
    if not settings.secret_key.get_secret_value():
        yield "AMENDS_SECRET_KEY is missing. Set it to 32 random characters or more."
    for key in settings.secret_keys:
        if fault := _weak(key.decode(), _SHORTEST_KEY):
            yield f"AMENDS_SECRET_KEY {fault} Set it to 32 random characters or more."
            return


def _weak(secret: str, shortest: int) -> str:
    if len(secret) < shortest:
        return f"is too short ({len(secret)} characters)."
    if _SAMPLES.search(secret):
        return "looks like a sample."
    if len(set(secret)) < _FEWEST_LETTERS:
        return "repeats itself."
    return ""


def _webhook(settings: Settings, process: Process) -> Iterator[str]:
    """Events come in at the portal and nowhere else."""
    if process is not Process.PORTAL:
        return
    if not settings.webhook_secrets:
        yield (
            "AMENDS_STRIPE_WEBHOOK_SECRET is missing. Stripe shows it with the endpoint; without "
            "it anybody could send events."
        )
    for secret in settings.webhook_secrets:
        if not secret.startswith("whsec_") or _weak(secret, 24):
            yield (
                "AMENDS_STRIPE_WEBHOOK_SECRET is not a signing secret of Stripe's. It begins with "
                "whsec_ and stands in the Dashboard beside the endpoint."
            )
            return


def _stripe_key(settings: Settings, process: Process) -> Iterator[str]:
    key = settings.stripe_secret_key.get_secret_value()
    if not key:
        if process is not Process.INBOX:
            yield "AMENDS_STRIPE_SECRET_KEY is missing. Create a restricted key in the Dashboard."
        return
    if not _STRIPE_KEY.fullmatch(key):
        yield "AMENDS_STRIPE_SECRET_KEY is no key of Stripe's. It begins with rk_ or sk_."
    elif process is not Process.WORKER and not key.startswith(_RESTRICTED):
        yield (
            f"AMENDS_STRIPE_SECRET_KEY moves money, and the {process} must not. Give it a "
            "restricted key (rk_...) that may not write refunds and payment intents."
        )


def _dates(settings: Settings) -> Iterator[str]:
    if settings.go_live:
        try:
            date.fromisoformat(settings.go_live[:10])
        except ValueError:
            yield "AMENDS_GO_LIVE is no day like 2026-11-23."


def _production(settings: Settings, process: Process) -> Iterator[str]:
    key = settings.stripe_secret_key.get_secret_value()
    if "_test_" in key[:8]:
        yield (
            "AMENDS_STRIPE_SECRET_KEY is a test key, but AMENDS_GO_LIVE has come: no money would "
            "move. Set the live key, or empty AMENDS_GO_LIVE on a machine for trying."
        )
    if not settings.is_at_stripe:
        yield "AMENDS_STRIPE_API_BASE is not Stripe, but AMENDS_GO_LIVE has come. Remove it."
    if settings.clock_file:
        yield "AMENDS_CLOCK_FILE moves the clock, but AMENDS_GO_LIVE has come. Remove it."
    for name, url in (
        ("AMENDS_PORTAL_URL", settings.portal_url),
        ("AMENDS_BACKOFFICE_URL", settings.backoffice_url),
        *((("AMENDS_OIDC_ISSUER", settings.oidc_issuer),) if process is Process.BACKOFFICE else ()),
    ):
        if urlsplit(url).scheme != "https":
            yield f"{name} has to begin with https://."
