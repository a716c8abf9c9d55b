"""A refund failed: the ways out, and the plan of one of them as it would be sent to a manager."""

from dataclasses import dataclass
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import planning, remedy, routing, sighting, triage
from amends.flow.planning import Shown
from amends.flow.remedy import Ask, Paid
from amends.queries import plan_lines, staff, staff_log
from amends.queries.plan_lines import Lines
from amends.rules import card_numbers, policy, workflow
from amends.rules.people import Staff
from amends.rules.remedies import Way
from backoffice import answers, frame, panel
from web import forms, guards, pages

_CHANGED = "The plan is not the one you saw. This is how it would be sent now."


class RemedyForm(forms.FormModel):
    """`seed` and `digest` name the plan that was seen; `act` shows it anew or sends it."""

    version: int
    act: Literal["show", "send"] = "show"
    seed: str = ""
    digest: str = ""
    how: str = ""
    evidence: str = ""
    attachment: str = ""
    told: str = ""
    why: str = ""


@dataclass(frozen=True)
class Preview:
    """The plan as it would be stored, in lines, and who would decide it."""

    shown: Shown
    lines: Lines
    route: policy.Route


def _way(request: Request[Any]) -> Way:
    try:
        return Way(request.path_params["way"])
    except ValueError:
        raise facts.NotFound("There is no such way out.") from None


async def index(request: Request[Any]) -> Response:
    """What failed, and every way out with why it is not there."""
    by = guards.staff(request)
    case = await staff.case_for(by, request.path_params["ref"])
    found = await remedy.options(case)
    return await frame.page(
        request,
        "backoffice/remedy/index.html",
        case=case,
        options=found,
        may=panel.may_plan(case.reason, by),
        plannable=workflow.PLANNABLE,
    )


async def show(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def create(request: Request[Any]) -> Response:
    """Show the plan with what was typed, or store exactly the plan that was seen."""
    form = await forms.bind(request, RemedyForm)
    if not form.ok:
        return await _page(request, 422, form)
    if form.data.act == "show":
        return await _checked(request, form)
    ref = request.path_params["ref"]
    try:
        case = await triage.expect(ref, form.data.version)
        await _propose(case, guards.staff(request), _way(request), form.data)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, form.failed(wrong.errors))
    except facts.AlreadyDecided as fact:
        return await frame.conflict(request, ref, fact, _typed(form))
    except facts.Stale as fact:
        return await _stale(request, form, fact)
    except (facts.Refused, facts.Unavailable) as fact:
        return await answers.refused(request, ref, fact, _typed(form))
    return pages.see_other(request, f"/cases/{ref}?sent=yes")


async def _checked(request: Request[Any], form: forms.Form[RemedyForm]) -> Response:
    missing = _missing(_way(request), form.data)
    return await _page(request, 422 if missing else 200, form.failed(missing) if missing else form)


def _missing(way: Way, said: RemedyForm) -> dict[str, str]:
    """What a plan without legs is made of has to be there before it can be shown."""
    wanted = {"told": "Write what the customer will read"} if way in _WORDED else {}
    if way is Way.PAY_OTHERWISE:
        wanted |= {"how": "Say how it was paid", "evidence": "Say what proves it"}
    return {name: words for name, words in wanted.items() if not getattr(said, name).strip()}


_WORDED = (Way.PAY_OTHERWISE, Way.KEEP)


async def _propose(case: staff.Case, by: Staff, way: Way, said: RemedyForm) -> None:
    match way:
        case Way.SEND_AGAIN:
            await remedy.propose_send_again(case, by, said.seed, said.digest, said.why)
        case Way.REFUND_NEW_CHARGE:
            await remedy.propose_refund_of_new_charge(case, by, said.seed, said.digest, said.why)
        case Way.PAY_OTHERWISE:
            await remedy.propose_paid_otherwise(case, by, _paid(said), said.digest, said.why)
        case Way.KEEP:
            await remedy.propose_keep(case, by, _masked(said.told), said.digest, said.why)


def _paid(said: RemedyForm) -> Paid:
    return Paid(_masked(said.how), _masked(said.evidence), _masked(said.told), said.attachment)


def _masked(text: str) -> str:
    """A card number that was typed is never part of a plan."""
    return card_numbers.mask(text.strip())


async def _page(
    request: Request[Any],
    status: int,
    form: forms.Form[RemedyForm] | None = None,
    notice: str = "",
) -> Response:
    by, way = guards.staff(request), _way(request)
    case = await staff.case_for(by, request.path_params["ref"])
    try:
        preview = await _preview(case, by, way, form)
    except (facts.Refused, facts.Unavailable) as fact:
        return await answers.refused(request, case.ref, fact)
    return await frame.page(
        request,
        "backoffice/remedy/show.html",
        status,
        case=case,
        way=way,
        options=await remedy.options(case),
        preview=preview,
        files=await _files(case),
        form=form,
        notice=notice,
    )


async def _preview(
    case: staff.Case, by: Staff, way: Way, form: forms.Form[RemedyForm] | None
) -> Preview | None:
    """None while the words that the plan is made of are not all there."""
    said = _said(form)
    shown = await remedy.shown(case, by, _ask(way, said))
    if _missing(way, said):
        return None
    known = await planning.facts_for(case, await sighting.shown(case))
    route = await routing.route(case, shown.draft, known.rules, known.now)
    return Preview(shown, plan_lines.planned(shown.draft, known), route)


def _said(form: forms.Form[RemedyForm] | None) -> RemedyForm:
    """What was typed so far, whatever is wrong with the rest of the form."""
    raw = form.raw if form else {}
    names = ("seed", "how", "evidence", "attachment", "told")
    return RemedyForm.model_validate({"version": 0} | {name: raw.get(name, "") for name in names})


def _ask(way: Way, said: RemedyForm) -> Ask:
    """An empty answer stands in until the words are there, so that the rules speak first."""
    if way is Way.PAY_OTHERWISE:
        paid = _paid(said) if not _missing(way, said) else Paid("-", "-", "-")
        return Ask(way, paid=paid)
    return Ask(way, seed=said.seed, told=_masked(said.told))


async def _files(case: staff.Case) -> list[staff_log.FileRow]:
    grouped = await staff_log.files_of(case)
    return [file for files in grouped.values() for file in files if file.state == "clean"]


async def _stale(request: Request[Any], form: forms.Form[RemedyForm], fact: facts.Fact) -> Response:
    """Another plan than the one seen: show it. Another case than the one seen: say who."""
    case = await staff.case_for(guards.staff(request), request.path_params["ref"])
    if str(case.version) != form.raw.get("version"):
        return await frame.conflict(request, case.ref, fact, _typed(form))
    return await _page(request, 409, form, _CHANGED)


def _typed(form: forms.Form[RemedyForm]) -> dict[str, str]:
    return {name: form.raw.get(name, "") for name in ("how", "evidence", "told", "why")}
