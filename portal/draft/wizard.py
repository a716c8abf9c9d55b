"""What the question pages share: the draft, the way back, the way on."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake, intake_steps
from amends.flow.intake_steps import Step
from amends.queries import customer_drafts
from amends.queries.customer_rows import DraftPage
from amends.rules.workflow import Kind
from web import guards, pages

Handler = Callable[[Request[Any]], Awaitable[Response]]
_NAMES = {
    Kind.REBILL: "Refund and new card",
    Kind.DISPUTE: "A charge that is wrong",
    Kind.CANCELLATION: "Cancel an order",
    Kind.CHARGEBACK: "Bank dispute",
}


def on_draft(handler: Handler) -> Handler:
    """A draft that was sent in another tab, or twice, leads to the request it became; an order
    that its kind of request does not cover leads to the answer why."""

    @wraps(handler)
    async def guarded(request: Request[Any]) -> Response:
        try:
            return await handler(request)
        except intake.NotCovered as found:
            ref = request.path_params["draft"]
            there = pages.url(request, "not_covered.show", draft=ref, order=str(found.order_id))
            return pages.see_other(request, there)
        except (facts.NotFound, facts.Stale, facts.AlreadyDecided):
            by = guards.customer(request)
            ref = await intake.sent_from(by, request.path_params["draft"])
            if ref is None:
                raise
            return pages.see_other(request, pages.url(request, "sent.show", ref=ref))

    return guarded


async def draft(request: Request[Any]) -> DraftPage:
    """The draft of this address, if it is the viewer's."""
    return await customer_drafts.draft_page(guards.customer(request), request.path_params["draft"])


def url(request: Request[Any], ref: str, step: Step) -> str:
    return pages.url(request, f"{step.name.lower()}.show", draft=ref)


def context(request: Request[Any], draft: DraftPage, step: Step) -> dict[str, Any]:
    """What every question page shows around its question."""
    number, count = intake_steps.number(draft.kind, draft.asked_as, step)
    return {
        "draft": draft,
        "back": _back(request, draft, step),
        "saved": "saved" in request.query_params,
        "progress": f"{_NAMES[draft.kind]}: step {number} of {count}",
    }


def _back(request: Request[Any], draft: DraftPage, step: Step) -> str:
    if "check" in request.query_params:
        return pages.url(request, "check.show", draft=draft.ref)
    before = intake_steps.before(draft.kind, draft.asked_as, step)
    if before is None:
        return pages.url(request, "kinds.show")
    return url(request, draft.ref, before)


async def go_on(request: Request[Any], ref: str) -> Response:
    """The next question without an answer, or the check of all answers."""
    found = await customer_drafts.draft_page(guards.customer(request), ref)
    return pages.see_other(request, next_url(request, found))


def next_url(request: Request[Any], found: DraftPage) -> str:
    step = intake_steps.missing(found.kind, found.asked_as, found.done)
    if step is None:
        return pages.url(request, "check.show", draft=found.ref)
    return url(request, found.ref, step)
