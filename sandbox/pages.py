"""The sandbox's own pages: one Jinja environment, no script, the tokens of Amends' stylesheet."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

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
    places = _PLACES.get(currency, 2)
    number = f"{abs(amount_minor) / 10**places:,.{places}f}"
    sign = "−" if amount_minor < 0 else ""
    symbol = _SYMBOLS.get(currency)
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"


_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}
_PLACES = dict.fromkeys(("jpy", "krw", "clp", "vnd", "isk"), 0) | {"kwd": 3, "bhd": 3, "jod": 3}


def moment(value: datetime) -> str:
    """Mon, Nov 23, 2026, 10:02 am."""
    here = value.astimezone(ZONE)
    clock = f"{here:%I:%M}".lstrip("0")
    return f"{here:%a, %b} {here.day}, {here.year}, {clock} {here:%p}".replace("AM", "am").replace(
        "PM", "pm"
    )


def size(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1000:,.0f} KB"


def _build() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"money": money, "moment": moment, "size": size}
    return environment


_environment = _build()
