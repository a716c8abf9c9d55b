"""The three facts of who asks: on file, at Stripe, and a verdict with who gave it."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import identity as proof
from amends.flow.identity import Fact, Verdict
from amends.queries import staff
from backoffice import answers, case, frame
from web import forms, guards, pages


class _Checked(forms.FormModel):
    fact: Fact
    verdict: Verdict = Field(title="a verdict")
    on_file: str = ""
    seen: str = ""
    reason: str = ""


async def show(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def _page(
    request: Request[Any], status: int, form: forms.Form[_Checked] | None = None
) -> Response:
    by = guards.staff(request)
    read = await staff.open_case(by, request.path_params["ref"])
    found, (reading, away) = read.case, await case.seen(read, by)
    standing = proof.stands(read.account, read.checks, reading)
    handling = case.handling(found, by)
    context = {"case": found, "identity": standing, "away": away, "reading": reading}
    context |= {"form": form, "posted": form.raw.get("fact") if form else None}
    return await frame.page(
        request, "backoffice/case/identity.html", status, **(handling | context)
    )


async def create(request: Request[Any]) -> Response:
    """One verdict. A lead's override is a verdict of its own, with a reason."""
    by = guards.staff(request)
    found = await staff.case_for(by, request.path_params["ref"])
    form = await forms.bind(request, _Checked)
    if not form.ok:
        return await _page(request, 422, form)
    said = form.data
    if await _file_changed(found, said):
        fact = facts.Stale("What is on file changed while you looked. Compare it again.")
        return await frame.conflict(request, found.ref, fact, {"reason": said.reason})
    try:
        await proof.verify_identity(found, by, said.fact, said.verdict, said.seen, said.reason)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, form.failed(wrong.errors))
    except facts.Refused as fact:
        return await answers.refused(request, found.ref, fact, {"reason": said.reason})
    return pages.see_other(request, f"/cases/{found.ref}/identity#{said.fact}")


async def _file_changed(found: staff.Case, said: _Checked) -> bool:
    standing = await proof.standing(found, None)
    on_file = {one.fact: one.on_file for one in standing.facts}
    return on_file.get(said.fact, said.on_file) != said.on_file


async def match_all(request: Request[Any]) -> Response:
    """All three at once, where Stripe and the file agree on each."""
    by = guards.staff(request)
    found = await staff.case_for(by, request.path_params["ref"])
    await forms.bind(request, frame.Nothing)

    async def act() -> None:
        for fact in proof.IDENTITY:
            await proof.verify_identity(found, by, fact, Verdict.MATCH)

    return await answers.then(request, found.ref, act(), f"/cases/{found.ref}")
