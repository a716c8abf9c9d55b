"""The Security desk: what is frozen, what Stripe warns of, pay back as fraud, lift, decline."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import comparison, fraud, planning, triage
from amends.flow.plan_legs import Wanted
from amends.queries import plan_lines, security, staff
from amends.rules.people import Staff
from amends.rules.plan import Outcome
from amends.rules.workflow import Reason, Status
from backoffice import answers, case, frame
from web import forms, guards


class _Reasoned(frame.Versioned):
    reason: str = ""


class _Refund(frame.Versioned):
    seed: str = ""
    digest: str = ""
    why: str = ""


class _Decline(frame.Versioned):
    why: str = ""
    told: str = ""


async def index(request: Request[Any]) -> Response:
    by = guards.staff(request)
    rows = await security.accounts(by)
    gone = {row.account.id: await security.newest(row.account) for row in rows if not row.cases}
    return await frame.page(request, "backoffice/security/index.html", rows=rows, newest=gone)


async def show(request: Request[Any]) -> Response:
    return await _page(request, guards.staff(request))


async def _page(
    request: Request[Any], by: Staff, status: int = 200, form: forms.Form[Any] | None = None
) -> Response:
    """Everything that Security decides on: the charges with warnings and risk, other cases."""
    security.must_know(by)
    read = await staff.open_case(by, request.path_params["ref"])
    found, (reading, away) = read.case, await case.seen(read, by)
    known = planning.facts_in(read, reading)
    plan = await _plan(found, by, known)
    return await frame.page(
        request,
        "backoffice/security/show.html",
        status,
        case=found,
        known=known,
        reading=reading,
        away=away,
        others=await security.others(found),
        card_name=comparison.card_name,
        plan=plan,
        lines=plan_lines.planned(plan.draft, known) if plan else None,
        form=form,
        view="security",
    )


async def _plan(found: staff.Case, by: Staff, known: Any) -> planning.Shown | None:
    """The refund as it would be proposed, where there is one to propose."""
    ready = found.status is Status.LOCKED_FRAUD and found.reason is Reason.NOT_RECOGNISED
    if not ready or known.reading is None:
        return None
    return await planning.draft_plan(found, by, Wanted(Outcome.REFUND), known)


async def _act(request: Request[Any], model: Any, act: Any) -> Response:
    """Do it on the case as it was seen; what is wrong with the form is shown beside it."""
    by, ref = guards.staff(request), str(request.path_params["ref"])
    security.must_know(by)
    form = await forms.bind(request, model)
    if not form.ok:
        return await _page(request, by, 422, form)
    try:
        return await answers.then(
            request, ref, act(await triage.expect(ref, form.data.version), by, form.data),
            f"/security/{ref}", form.raw,
        )  # fmt: skip
    except (facts.Stale, facts.AlreadyDecided) as fact:
        return await frame.conflict(request, ref, fact, form.raw)


async def refund(request: Request[Any]) -> Response:
    """Ask for a decision about paying the charges back as fraud, exactly as shown."""

    async def act(found: staff.Case, by: Staff, said: _Refund) -> None:
        wanted = Wanted(Outcome.REFUND, seed=said.seed)
        await planning.propose(found, by, wanted, said.digest, said.why)

    return await _act(request, _Refund, act)


async def take_over(request: Request[Any]) -> Response:
    async def act(found: staff.Case, by: Staff, said: _Reasoned) -> None:
        await fraud.take_over(found, by, said.reason)

    return await _act(request, _Reasoned, act)


async def lift(request: Request[Any]) -> Response:
    async def act(found: staff.Case, by: Staff, said: _Reasoned) -> None:
        await fraud.lift(found, by, said.reason)

    return await _act(request, _Reasoned, act)


async def decline(request: Request[Any]) -> Response:
    async def act(found: staff.Case, by: Staff, said: _Decline) -> None:
        await triage.decline(found, by, said.why, said.told)

    return await _act(request, _Decline, act)
