"""Every page of the desk: the views in the margin, each with its number."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.queries import staff_views
from amends.queries.staff_views import BOUND, View
from amends.rules.people import Role
from backoffice import times, words
from web import forms, guards, pages

NAMES: Mapping[View, str] = MappingProxyType(
    {
        View.MY: "My cases",
        View.UNASSIGNED: "Unassigned",
        View.MANAGER: "Needs a manager",
        View.FLIGHT: "Refund in flight",
        View.CHARGE: "Charge new card",
        View.AUDIT: "Audit (60 days)",
        View.DISPUTES: "Bank disputes",
        View.OVERDUE: "Overdue",
        View.SNOOZED: "Set aside",
        View.ALL: "All open",
        View.SECURITY: "Security",
    }
)


class Nothing(forms.FormModel):
    """A form whose button says it all."""


class Versioned(forms.FormModel):
    """Every form of a case carries the version of the case it was made for."""

    version: int


async def page(request: Request[Any], template: str, status: int = 200, **context: Any) -> Response:
    """A whole page with the views beside it."""
    by = guards.staff(request)
    # A page that asks much brings them along from a statement of its own.
    numbers = context.get("numbers") or await staff_views.counts(by)
    current = str(context.get("view", ""))
    path = request.scope["path"]
    views = [
        (NAMES[view], f"/queue?view={view}", bounded(numbers[view]), view == current)
        for view in staff_views.allowed(by)
    ]
    exceptions = numbers["exceptions"]
    views.append(("Exceptions", "/exceptions", bounded(exceptions), path == "/exceptions"))
    common = {
        "views": views, "numbers": numbers, "words": words, "times": times, "form": None,
        "look_up": [(*each, None, path.startswith(each[1])) for each in _look_up(by.roles)],
    }  # fmt: skip
    return pages.page(request, template, status, **(common | context))


@cache
def _look_up(roles: frozenset[Role]) -> tuple[tuple[str, str], ...]:
    """Pages to look things up, by the viewer's roles."""
    return (
        ("Chargeback desk", "/disputes"),
        *((("Security desk", "/security"),) if roles & {Role.SECURITY, Role.MANAGER} else ()),
        ("Refunds on their way", "/refunds"),
        ("Audits", "/audits"),
        ("Reports", "/reports"),
        ("Audit log", "/audit-log"),
        ("Rules", "/rules"),
        ("Mails we send", "/templates"),
        *((("Oversight", "/oversight"),) if roles & {Role.MANAGER, Role.AUDITOR} else ()),
        *((("People", "/people"),) if roles & {Role.MANAGER, Role.ADMIN} else ()),
    )


def part(request: Request[Any], template: str, status: int = 200, **context: Any) -> Response:
    """A part of a page, for htmx."""
    common = {"words": words, "times": times, "form": None}
    return pages.part(request, template, status, **(common | context))


def bounded(number: int) -> str:
    return f"{BOUND - 1}+" if number >= BOUND else str(number)


async def conflict(
    request: Request[Any], ref: str, fact: facts.Fact, typed: Mapping[str, str] | None = None
) -> Response:
    """409: what changed meanwhile, and what was typed, so that nothing is lost."""
    kept = {name: text for name, text in (typed or {}).items() if text}
    if pages.is_partial(request):
        response = part(request, "backoffice/_conflict.html", 409, ref=ref, fact=fact, typed=kept)
        response.headers.update({"hx-retarget": "#flash", "hx-reswap": "innerHTML"})
        return response
    return await page(request, "backoffice/conflict.html", 409, ref=ref, fact=fact, typed=kept)
