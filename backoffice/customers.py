"""One customer: account, cases, orders; and another billing address, which two people change."""

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import billing_address, desk, four_eyes
from amends.queries import staff
from amends.rules import policy
from amends.rules.people import Staff
from backoffice import frame
from web import forms, guards, pages


class _Change(forms.FormModel):
    email: str = ""
    reason: str = ""


class _Decision(forms.FormModel):
    change: int
    decision: Literal["agree", "refuse"]
    note: str = ""


async def show(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def _page(
    request: Request[Any],
    status: int,
    form: forms.Form[Any] | None = None,
    problem: str = "",
) -> Response:
    by = guards.staff(request)
    found = await staff.customer(request.path_params["tenant"])
    return await frame.page(
        request,
        "backoffice/customer/show.html",
        status,
        customer=found,
        change=await billing_address.waiting(found.account.id),
        may_propose=bool(by.roles & desk.WORKERS),
        may_agree=bool(by.roles & policy.MANAGERS),
        is_fresh=four_eyes.is_fresh(by, found.rules),
        form=form,
        problem=problem,
    )


def _here(request: Request[Any]) -> str:
    return f"/customers/{request.path_params['tenant']}"


async def propose(request: Request[Any]) -> Response:
    """Ask a manager to agree to another billing address."""
    by = guards.staff(request)
    form = await forms.bind(request, _Change)
    account = (await staff.customer(request.path_params["tenant"])).account
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        await billing_address.propose(account.id, by, form.data.email, form.data.reason)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, form.failed(wrong.errors))
    except facts.AlreadyDecided as fact:
        return await _page(request, 409, problem=str(fact))
    return pages.see_other(request, f"{_here(request)}#address")


async def decide(request: Request[Any]) -> Response:
    """A manager agrees, or somebody refuses."""
    by = guards.staff(request)
    form = await forms.bind(request, _Decision)
    if not form.ok:
        return await _page(request, 422, problem="Choose to agree or to refuse")
    try:
        await _decide(by, form.data)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, problem=str(wrong))
    except (facts.Stale, facts.AlreadyDecided) as fact:
        return await _page(request, 409, problem=str(fact))
    except facts.Refused as fact:
        return await _page(request, 403, problem=str(fact))
    return pages.see_other(request, _here(request))


async def _decide(by: Staff, said: _Decision) -> None:
    if said.decision == "agree":
        await billing_address.agree(said.change, by, said.note)
    else:
        await billing_address.refuse(said.change, by, said.note)
