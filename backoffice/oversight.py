"""For auditors and managers: drawn plans to look at again, pairs, and conspicuous amounts."""

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import clock, facts, policies
from amends.flow import second_review
from amends.queries import oversight
from backoffice import frame
from web import forms, guards, pages


class _Decision(forms.FormModel):
    decision: Literal["confirmed", "objected"]
    reason: str = ""


async def show(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def _page(
    request: Request[Any], status: int, errors: dict[str, str] | None = None, item: int = 0
) -> Response:
    by, now, rules = guards.staff(request), clock.now(), await policies.current()
    found = await oversight.reviews(now, by.actor_id)
    return await frame.page(
        request,
        "backoffice/oversight/show.html",
        status,
        waiting=[each for each in found if not each.decision],
        decided=[each for each in found if each.decision],
        pairs=await oversight.pairs(now),
        amounts=await oversight.amounts(now, rules),
        policy=rules,
        days=oversight.WINDOW.days,
        most=oversight.MOST,
        errors=errors or {},
        item=item,
    )


async def decide(request: Request[Any]) -> Response:
    """Confirm a drawn plan or object to it. Moves no money."""
    by, item = guards.staff(request), int(request.path_params["id"])
    form = await forms.bind(request, _Decision)
    if not form.ok:
        return await _page(request, 422, {"decision": "Choose to confirm or to object"}, item)
    try:
        await second_review.decide(by, item, form.data.decision, form.data.reason)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, wrong.errors, item)
    except facts.AlreadyDecided as fact:
        return await _page(request, 409, {"decision": str(fact)}, item)
    except facts.Refused as fact:
        return await _page(request, 403, {"decision": str(fact)}, item)
    return pages.see_other(request, "/oversight")
