"""The chargeback desk: deadlines, the evidence pack, handing it in once, accepting."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import dispute_end, evidence, triage
from amends.flow.evidence import Choice
from amends.queries import disputes
from amends.rules.people import Staff
from backoffice import answers, frame
from web import forms, guards, pages


class _Pack(forms.FormModel):
    statement: str = ""
    policy: str = ""
    letters: bool = False
    history: bool = False
    paper: tuple[str, ...] = ()
    file: tuple[str, ...] = ()


class _Submit(forms.FormModel):
    document: str = ""


class _Reasoned(forms.FormModel):
    reason: str = Field("", max_length=4000)


class _GiveBack(frame.Versioned):
    reason: str = ""


async def index(request: Request[Any]) -> Response:
    by = guards.staff(request)
    waiting, over = await disputes.listed(by)
    untold = await disputes.untold(by)
    return await frame.page(
        request, "backoffice/disputes/index.html", waiting=waiting, over=over, untold=untold
    )


async def show(request: Request[Any]) -> Response:
    return await _page(request, "show")


async def _page(
    request: Request[Any], name: str, status: int = 200, form: forms.Form[Any] | None = None
) -> Response:
    by = guards.staff(request)
    found = await disputes.page(by, request.path_params["dispute"])
    return await frame.page(
        request,
        f"backoffice/disputes/{name}.html",
        status,
        page=found,
        row=found.row,
        case=found.case,
        may=evidence.may_act(by) and evidence.is_open(found.row),
        form=form,
        view="disputes",
    )


async def pdf(request: Request[Any]) -> Response:
    name, data = await disputes.pdf(guards.staff(request), request.path_params["dispute"])
    return pages.download(request, data, name, "application/pdf")


async def pack(request: Request[Any]) -> Response:
    """What goes in; it is assembled and stored at Stripe, not handed in."""

    async def act(dispute: str, by: Staff, said: _Pack) -> None:
        choice = Choice(
            said.statement, said.policy, said.letters, said.history, said.paper, said.file
        )
        await evidence.choose(dispute, by, choice)

    return await _act(request, _Pack, act, "show")


async def confirm_submit(request: Request[Any]) -> Response:
    return await _page(request, "submit")


async def submit(request: Request[Any]) -> Response:
    async def act(dispute: str, by: Staff, said: _Submit) -> None:
        await evidence.submit(dispute, by, said.document)

    return await _act(request, _Submit, act, "submit")


async def confirm_accept(request: Request[Any]) -> Response:
    return await _page(request, "accept")


async def accept(request: Request[Any]) -> Response:
    async def act(dispute: str, by: Staff, said: _Reasoned) -> None:
        await evidence.accept(dispute, by, said.reason)

    return await _act(request, _Reasoned, act, "accept")


async def _act(
    request: Request[Any],
    model: type[Any],
    act: Callable[[str, Staff, Any], Awaitable[None]],
    again: str,
) -> Response:
    by, dispute = guards.staff(request), str(request.path_params["dispute"])
    form = await forms.bind(request, model)
    if not form.ok:
        return await _page(request, again, 422, form)
    ref = (await disputes.page(by, dispute)).case.ref
    try:
        await act(dispute, by, form.data)
    except facts.InvalidInput as wrong:
        return await _page(request, again, 422, form.failed(wrong.errors))
    except (facts.Stale, facts.AlreadyDecided) as fact:
        return await frame.conflict(request, ref, fact, form.raw)
    except facts.Refused as fact:
        return await answers.refused(request, ref, fact, form.raw)
    return pages.see_other(request, f"/disputes/{dispute}")


async def give_back(request: Request[Any]) -> Response:
    """The customer spoke of the bank, but there is no dispute: check the case again."""
    by, ref = guards.staff(request), str(request.path_params["ref"])
    form = await forms.bind(request, _GiveBack)
    if not form.ok:
        raise facts.InvalidInput(form.errors)

    async def act() -> None:
        found = await triage.expect(ref, form.data.version)
        await dispute_end.give_back(found, by, form.data.reason)

    return await answers.then(request, ref, act(), f"/cases/{ref}", form.raw)
