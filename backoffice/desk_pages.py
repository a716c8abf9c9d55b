"""Pages to look things up: refunds on their way, search, customers, people, rules, mails."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts, people, search
from amends.gateways import mail_pages, mail_samples
from amends.queries import plan_lines, staff_waiting
from amends.rules.people import Role
from backoffice import frame, lines
from web import guards, pages


async def refunds(request: Request[Any]) -> Response:
    """Legs on their way, the failed ones first, with their age in business days."""
    rows = await staff_waiting.refunds_moving()
    return await frame.page(
        request,
        "backoffice/refunds.html",
        rows=[(leg, plan_lines.age_days(leg.sent_at)) for leg in rows],
        short=plan_lines.short,
    )


async def find(request: Request[Any]) -> Response:
    asked = request.query_params.get("q", "")[:100]
    found = await search.cases(guards.staff(request), asked, guards.taken_look(request))
    if found.exact and len(found.rows) == 1 and found.looked_for == ("case",):
        return pages.see_other(request, f"/cases/{found.rows[0].ref}?view=all")
    context: dict[str, Any] = {"q": asked, "found": found, "view": "all", "numbers": found.numbers}
    rows = lines.of_cases(request, found.rows, "all")
    return await frame.page(request, "backoffice/search.html", rows=rows, **context)


async def everyone(request: Request[Any]) -> Response:
    rows = await people.everyone()
    return await frame.page(request, "backoffice/people.html", rows=rows, roles=list(Role))


async def mails(request: Request[Any]) -> Response:
    return await frame.page(request, "backoffice/mails.html", kinds=mail_samples.NAMES)


async def mail(request: Request[Any]) -> Response:
    """One mail with made-up facts, as text: what customers read, to the letter."""
    name = request.path_params["name"]
    if name not in mail_samples.NAMES:
        raise facts.NotFound("There is no such mail.")
    texts = mail_pages.render(mail_samples.sample(name))
    return await frame.page(request, "backoffice/mail.html", name=name, texts=texts)
