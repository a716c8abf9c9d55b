"""Plans that wait for a decision, and the page on which one of them is decided."""

from typing import Any, Literal, assert_never

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import clock, facts
from amends.dossier import Dossier
from amends.flow import approval, letters, routing, triage, waiting
from amends.queries import plan_lines, staff, staff_waiting
from amends.queries.staff_waiting import WaitingRow
from amends.rules import policy
from amends.rules.people import Staff
from backoffice import answers, frame, lines
from web import forms, guards, pages


class _Decision(forms.FormModel):
    """`plan` and `digest` name the plan that was seen, `version` the case."""

    version: int
    plan: int
    digest: str
    decision: Literal["approve", "send_back", "decline"] = Field(title="a decision")
    note: str = ""
    told: str = ""


async def index(request: Request[Any]) -> Response:
    """What waits for the viewer first, then what waits for others, with why."""
    by = guards.staff(request)
    waits, now = await staff_waiting.waiting(by), clock.now()
    plans = [(row.case, row.draft) for row in waits.rows]
    routes = await routing.routes(plans, waits.rules, now)
    line = lines.of_plans(request, now)
    mine, others = [], []
    for row, route in zip(waits.rows, routes, strict=True):
        verdict = _verdict(by, row, route)
        if isinstance(verdict, policy.Refused):
            others.append(line(row, verdict.reason))
        else:
            mine.append(line(row, ", and ".join(route.why)))
    context: dict[str, Any] = {"mine": mine, "others": others, "numbers": waits.numbers}
    return await frame.page(request, "backoffice/approval/index.html", **context)


def hands(row: WaitingRow) -> frozenset[int]:
    """Who prepared the plan, and who holds the case."""
    return frozenset({row.prepared_by_id, *({row.owner_id} if row.owner_id else ())})


def _verdict(by: Staff, row: WaitingRow, route: policy.Route) -> policy.Verdict:
    found = policy.may_decide(by, route, hands(row))
    if isinstance(found, policy.Refused):
        return found
    return policy.may_approve_second(by, row.first_id)


async def show(request: Request[Any]) -> Response:
    by = guards.staff(request)
    return await _page(request, by, 200)


async def _page(
    request: Request[Any],
    by: Staff,
    status: int,
    form: forms.Form[_Decision] | None = None,
) -> Response:
    """The plan with live checks; if it waits no more, who decided it and when."""
    read = await staff.open_case(by, request.path_params["ref"])
    case = read.case
    try:
        page = await approval.page_in(read, by)
    except facts.AlreadyDecided as fact:
        return await _decided(request, read, fact)
    return await frame.page(
        request,
        "backoffice/approval/show.html",
        status,
        case=case,
        page=page,
        audited=read.audited,
        plan=plan_lines.planned(page.draft, page.known),
        window=plan_lines.expected(letters.today()),
        may=isinstance(page.verdict, policy.Allowed),
        why_not=page.verdict.reason if isinstance(page.verdict, policy.Refused) else "",
        is_fresh=approval.is_fresh(by, page.rules),
        form=form,
    )


async def _decided(request: Request[Any], read: Dossier, fact: facts.AlreadyDecided) -> Response:
    """Reading it is no error; only an act on it would be a conflict."""
    status = 200 if request.method in ("GET", "HEAD") else 409
    last, plans = waiting.last_in(read), staff.plans_in(read)
    context = {"case": read.case, "fact": fact, "last": last, "plans": plans}
    return await frame.page(request, "backoffice/approval/decided.html", status, **context)


async def create(request: Request[Any]) -> Response:
    """Approve, send back or decline the plan that was seen; nothing else."""
    by = guards.staff(request)
    form = await forms.bind(request, _Decision)
    if not form.ok:
        return await _page(request, by, 422, form)
    case = await staff.case_for(by, request.path_params["ref"])
    try:
        await _decide(case, by, form.data)
    except facts.InvalidInput as wrong:
        return await _page(request, by, 422, form.failed(wrong.errors))
    except facts.AlreadyDecided as fact:
        return await _decided(request, await staff.open_case(by, case.ref), fact)
    except facts.Stale as fact:
        return await _other_plan(request, by, form, fact)
    except (facts.Refused, facts.Unavailable) as fact:
        return await answers.refused(request, case.ref, fact, {"note": form.data.note})
    return pages.see_other(request, f"/approvals/{case.ref}")


async def _decide(case: staff.Case, by: Staff, said: _Decision) -> None:
    """A case that moved on since is decided by nobody, even when its plan is the same."""
    await waiting.plan_of(case)
    seen = (said.plan, said.digest)
    await approval.must_be_seen(case, *seen)
    case = await triage.expect(case.ref, said.version)
    match said.decision:
        case "approve":
            await approval.approve(case, by, *seen, said.note)
        case "send_back":
            await approval.send_back(case, by, *seen, said.note)
        case "decline":
            await approval.decline(case, by, *seen, said.note, said.told)
        case never:
            assert_never(never)


async def _other_plan(
    request: Request[Any], by: Staff, form: forms.Form[_Decision], fact: facts.Stale
) -> Response:
    """409 with both plans side by side, when the plan is not the one that was seen."""
    case = await staff.case_for(by, request.path_params["ref"])
    plans = await staff.plans_of(case)
    old = next((plan for plan in plans if str(plan.version) == form.raw.get("plan")), None)
    new = next((plan for plan in plans if plan.voided_at is None), None)
    if old is None or new is None or old.version == new.version:
        return await frame.conflict(request, case.ref, fact, {"note": form.raw.get("note", "")})
    sides = [(plan, plan_lines.carried_out(plan.legs)) for plan in (old, new)]
    context = {"case": case, "fact": fact, "sides": sides, "note": form.raw.get("note", "")}
    return await frame.page(request, "backoffice/approval/changed.html", 409, **context)
