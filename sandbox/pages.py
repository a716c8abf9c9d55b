"""The sandbox's own pages: one Jinja environment, no script, the tokens of Amends' stylesheet."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from sandbox.stripe_twin import money as twin_money

HERE = Path(__file__).parent
# People read the sandbox's times in the company's zone, as in Amends itself.
ZONE = ZoneInfo("America/New_York")


def page(request: Request, template: str, status: int = 200, **context: object) -> HTMLResponse:
    html = _environment.get_template(template).render(path=_path(request), **context)
    return HTMLResponse(html, status)


def see_other(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303)


def _path(request: Request) -> str:
    return str(request.scope.get("path", "/"))


def money(amount_minor: int, currency: str) -> str:
    """-150000 usd -> −$1,500.00. Zero- and three-decimal currencies keep their own places."""
    sign = "−" if amount_minor < 0 else ""
    return sign + twin_money.text(abs(amount_minor), currency)


def moment(value: datetime) -> str:
    """Mon, Nov 23, 2026, 10:02 am."""
    here = value.astimezone(ZONE)
    clock = f"{here:%I:%M}".lstrip("0")
    return f"{here:%a, %b} {here.day}, {here.year}, {clock} {here:%p}".replace("AM", "am").replace(
        "PM", "pm"
    )


def stamp(seconds: float) -> str:
    """Nov 23, 2026, 10:02 am, from seconds since the epoch, as Stripe writes them."""
    return moment(datetime.fromtimestamp(seconds, UTC)).partition(", ")[2]


def size(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1000:,.0f} KB"


def _build() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"money": money, "moment": moment, "stamp": stamp, "size": size}
    return environment


_environment = _build()
