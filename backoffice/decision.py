"""The decision panel's form: show the plan anew, or send it, ask, decline."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import approval, planning, sighting, triage, verification
from amends.queries import staff
from amends.rules.people import Staff
from amends.rules.plan import Outcome
from backoffice import answers, case, frame, panel
from backoffice.panel import ASK, DECLINE, DecisionForm
from web import forms, guards, pages

_CHANGED = "The plan is not the one you saw. This is how it would be sent now."


class _TakeBack(frame.Versioned):
    plan: int
    note: str = ""


async def preview(request: Request[Any]) -> Response:
    """The panel as the form would have it; nothing is stored."""
    form = await forms.bind(request, DecisionForm)
    return await _again(request, form, 200)


async def create(request: Request[Any]) -> Response:
    """Carry out what was chosen, if the page was the newest and the plan the one seen."""
    by = guards.staff(request)
    ref = request.path_params["ref"]
    form = await forms.bind(request, DecisionForm)
    if not form.ok:
        return await _again(request, form, 422)
    try:
        found = await triage.expect(ref, form.data.version)
        await _carry_out(found, by, form)
    except facts.InvalidInput as wrong:
        return await _again(request, form.failed(wrong.errors), 422)
    except facts.AlreadyDecided as fact:
        return await frame.conflict(request, ref, fact, _typed(form))
    except facts.Stale as fact:
        return await _stale(request, form, fact)
    except facts.Refused as fact:
        return await _again(request, form.failed({"outcome": str(fact)}), 422)
    return pages.see_other(request, f"/cases/{ref}?view={case.view_of(request, by)}&sent=yes")


async def _carry_out(found: staff.Case, by: Staff, form: forms.Form[DecisionForm]) -> None:
    said = form.data
    if said.outcome == ASK:
        papers = (verification.WORDS[said.proof],) if said.papers else ()
        await triage.ask_customer(found, by, said.told, papers)
    elif said.outcome == DECLINE:
        await triage.decline(found, by, said.why, said.told)
    else:
        await _propose(found, by, form, Outcome(said.outcome))


async def _propose(
    found: staff.Case, by: Staff, form: forms.Form[DecisionForm], outcome: Outcome
) -> None:
    """`seen` holds the digest of every plan that the page could have meant."""
    said = form.data
    shown = dict(pair.split(":", 1) for pair in said.seen if ":" in pair)
    known = await planning.facts_for(found, await sighting.shown(found))
    typed = panel.amounts_typed(form)
    wanted = panel.wanted_from(known, outcome, typed, form.raw, said.seed)
    await planning.propose(found, by, wanted, shown.get(outcome, ""), said.why)


def _typed(form: forms.Form[DecisionForm]) -> dict[str, str]:
    return {name: form.raw.get(name, "") for name in ("why", "told")}


async def _stale(
    request: Request[Any], form: forms.Form[DecisionForm], fact: facts.Fact
) -> Response:
    """Another plan than the one seen: show it. Another case than the one seen: say who."""
    by = guards.staff(request)
    now = await staff.case_for(by, request.path_params["ref"])
    if str(now.version) != form.raw.get("version"):
        return await frame.conflict(request, now.ref, fact, _typed(form))
    return await _again(request, form, 409, _CHANGED)


async def _again(
    request: Request[Any], form: forms.Form[DecisionForm], status: int, notice: str = ""
) -> Response:
    by = guards.staff(request)
    context = await case.context_of(request, by, request.path_params["ref"], form, notice)
    if pages.is_partial(request):
        return frame.part(request, "backoffice/case/_panel.html", status, **context)
    return await frame.page(request, "backoffice/case/show.html", status, **context)


async def take_back(request: Request[Any]) -> Response:
    """Who prepared the plan withdraws it, to mend it."""
    by = guards.staff(request)
    ref = request.path_params["ref"]
    form = await forms.bind(request, _TakeBack)
    if not form.ok:
        raise facts.InvalidInput(form.errors)

    async def act() -> None:
        found = await triage.expect(ref, form.data.version)
        await approval.take_back(found, by, form.data.plan, form.data.note)

    return await answers.then(request, ref, act(), f"/cases/{ref}", {"note": form.data.note})
