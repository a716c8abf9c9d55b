"""Small acts on a case: take it, give it back, hand it over, correct its reason, write."""

from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import charges, fraud, triage
from amends.queries import staff
from amends.rules.workflow import Reason
from backoffice import answers, frame
from web import forms, guards


class _Assign(frame.Versioned):
    to: int = Field(title="the colleague")


class _ReasonForm(frame.Versioned):
    reason: Reason = Field(title="the reason")


class _Written(forms.FormModel):
    body: str = Field("", max_length=8000)
    send: Literal["reply", "note"] = "note"


class _Customer(frame.Versioned):
    customer: str = ""
    reason: str = ""


class _Charges(frame.Versioned):
    charge: tuple[str, ...] = ()


class _Lift(frame.Versioned):
    reason: str = ""


def _ref(request: Request[Any]) -> str:
    return str(request.path_params["ref"])


async def _form(request: Request[Any], model: Any) -> Any:
    """A small form's values; it has no page of its own, so nonsense is refused as a whole."""
    form = await forms.bind(request, model)
    if not form.ok:
        raise facts.InvalidInput(form.errors)
    return form.data


async def take(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await _form(request, frame.Versioned)
    ref = _ref(request)

    async def act() -> None:
        await triage.claim(await triage.expect(ref, form.version), by)

    return await answers.then(request, ref, act(), f"/cases/{ref}")


async def release(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await _form(request, frame.Versioned)
    ref = _ref(request)

    async def act() -> None:
        await triage.release(await triage.expect(ref, form.version), by)

    return await answers.then(request, ref, act(), f"/cases/{ref}")


async def assign(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await _form(request, _Assign)
    ref = _ref(request)

    async def act() -> None:
        await triage.assign(await triage.expect(ref, form.version), by, form.to)

    return await answers.then(request, ref, act(), f"/cases/{ref}")


async def reason(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await _form(request, _ReasonForm)
    ref = _ref(request)

    async def act() -> None:
        await triage.set_reason(await triage.expect(ref, form.version), by, form.reason)

    return await answers.then(request, ref, act(), f"/cases/{ref}")


async def write(request: Request[Any]) -> Response:
    """A reply to the customer, or a note among staff. Neither depends on the case's version."""
    by, form = guards.staff(request), await _form(request, _Written)
    case = await staff.case_for(by, _ref(request))
    send = triage.reply if form.send == "reply" else triage.note
    target = f"/cases/{case.ref}#log"
    return await answers.then(
        request, case.ref, send(case, by, form.body), target, {"body": form.body}
    )


async def customer(request: Request[Any]) -> Response:
    """Pick one of the candidates as the account's Stripe customer."""
    by, form = guards.staff(request), await _form(request, _Customer)
    ref = _ref(request)

    async def act() -> None:
        case = await triage.expect(ref, form.version)
        await charges.choose_customer(case, by, form.customer, form.reason)

    typed = {"reason": form.reason}
    return await answers.then(request, ref, act(), f"/cases/{ref}#claim", typed)


async def pick(request: Request[Any]) -> Response:
    """Say which of the customer's charges the case is about."""
    by, form = guards.staff(request), await _form(request, _Charges)
    ref = _ref(request)

    async def act() -> None:
        await charges.pick_charges(await triage.expect(ref, form.version), by, form.charge)

    return await answers.then(request, ref, act(), f"/cases/{ref}#claim")


async def bank_desk(request: Request[Any]) -> Response:
    """Stripe shows a dispute: lock manual money, the bank's process takes over."""
    by, form = guards.staff(request), await _form(request, frame.Versioned)
    ref = _ref(request)

    async def act() -> None:
        await triage.hand_to_bank_desk(await triage.expect(ref, form.version), by)

    return await answers.then(request, ref, act(), f"/cases/{ref}")


async def lift(request: Request[Any]) -> Response:
    """Security or a manager takes the flag off, with a reason."""
    by, form = guards.staff(request), await _form(request, _Lift)
    ref = _ref(request)

    async def act() -> None:
        await fraud.lift(await triage.expect(ref, form.version), by, form.reason)

    return await answers.then(request, ref, act(), f"/cases/{ref}", {"reason": form.reason})
