"""What follows an act on a case: on, or the same page with what stands in the way."""

from collections.abc import Awaitable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from backoffice import frame
from web import forms, pages

_LATE = (facts.Stale, facts.AlreadyDecided)


async def then(
    request: Request[Any],
    ref: str,
    act: Awaitable[object],
    target: str,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Do it and go on; a rule or a faster colleague gets a page that keeps what was typed."""
    try:
        await act
    except _LATE as fact:
        return await frame.conflict(request, ref, fact, typed)
    except (facts.Refused, facts.Unavailable, facts.InvalidInput) as fact:
        return await refused(request, ref, fact, typed)
    return pages.see_other(request, target)


async def refused(
    request: Request[Any], ref: str, fact: facts.Fact, typed: Mapping[str, str] | None = None
) -> Response:
    """The rule's own sentence, the way back, and what was typed."""
    status = {facts.InvalidInput: 422, facts.Unavailable: 503}.get(type(fact), 403)
    kept = {name: text for name, text in (typed or {}).items() if text}
    context = {"ref": ref, "fact": fact, "typed": kept}
    return await frame.page(request, "backoffice/refused.html", status, **context)


async def small(request: Request[Any], model: Any) -> Any:
    """A small form's values; it has no page of its own, so nonsense is refused as a whole."""
    form = await forms.bind(request, model)
    if not form.ok:
        raise facts.InvalidInput(form.errors)
    return form.data


def failed(form: forms.Form[Any], error: facts.InvalidInput) -> forms.Form[Any]:
    return form.failed(error.errors)
