"""The rules in force, their history, and a change that two managers make together."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import clock, facts, policies
from amends.flow import four_eyes, rule_changes
from amends.flow.rule_changes import Wanted
from amends.rules import money, policy, promises
from amends.rules.people import Staff
from amends.rules.policy import Policy
from backoffice import frame, panel
from web import forms, guards, pages

_CHANGE = "backoffice/rules/change.html"


class _Change(forms.FormModel):
    """Currencies and their amounts are parallel lists."""

    currency: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    cap: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    approval_valid_days: str = ""
    review_percent: str = ""
    reason: str = ""


class _Decision(forms.FormModel):
    decision: Literal["agree", "refuse"]
    note: str = ""


async def show(request: Request[Any]) -> Response:
    """The policy in words, as it is in force now."""
    return await _page(request, 200)


async def _page(
    request: Request[Any], status: int, errors: dict[str, str] | None = None
) -> Response:
    by, known = guards.staff(request), await policies.current()
    return await frame.page(
        request,
        "backoffice/rules/show.html",
        status,
        policy=known,
        history=await policies.history(),
        audit_days=promises.AUDIT_BUSINESS_DAYS,
        first_days=promises.REFUND_FIRST_BUSINESS_DAYS,
        last_days=promises.REFUND_LAST_BUSINESS_DAYS,
        waiting=await rule_changes.waiting(),
        is_fresh=four_eyes.is_fresh(by, known),
        may_change=bool(by.roles & policy.MANAGERS),
        errors=errors or {},
        now=clock.now(),
    )


async def change(request: Request[Any]) -> Response:
    known = await policies.current()
    return await frame.page(request, _CHANGE, policy=known, rows=_rows(known))


_Row = tuple[str, str, str, str, str]


def _rows(known: Policy) -> list[_Row]:
    """Each currency with its amounts, as a field holds them."""
    return [
        (
            currency,
            panel.plain(limit, currency),
            panel.plain(known.second_limit(currency).minor, currency),
            _cap(known.goodwill_caps, currency),
            _cap(known.goodwill_person_caps, currency),
        )
        for currency, limit in known.refund_limits.items()
    ]


def _cap(caps: Mapping[str, int], currency: str) -> str:
    return panel.plain(caps[currency], currency) if currency in caps else ""


async def propose(request: Request[Any]) -> Response:
    """Put the change down for a second manager."""
    by, known = guards.staff(request), await policies.current()
    form = await forms.bind(request, _Change)
    rows = _rows(known)
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        rows = list(_posted(form.data))
        await rule_changes.propose(by, _wanted(known, form.data), form.data.reason)
    except facts.InvalidInput as wrong:
        failed = form.failed(wrong.errors)
        return await frame.page(request, _CHANGE, 422, policy=known, rows=rows, form=failed)
    return pages.see_other(request, "/rules#waiting")


def _posted(said: _Change) -> Iterator[_Row]:
    return zip(said.currency, said.limit, said.second, said.cap, said.person, strict=False)


def _wanted(known: Policy, said: _Change) -> Wanted:
    """The form's texts as amounts. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    limits, seconds, caps, persons = {}, {}, {}, {}
    for currency, limit, second, cap, person in _posted(said):
        if currency not in known.refund_limits:
            raise facts.InvalidInput({"reason": "This page was incomplete. Open it again"})
        limits[currency] = _minor(limit, currency, f"limit_{currency}", errors)
        seconds[currency] = _minor(second, currency, f"second_{currency}", errors)
        if cap.strip():
            caps[currency] = _minor(cap, currency, f"cap_{currency}", errors)
        if person.strip():
            persons[currency] = _minor(person, currency, f"person_{currency}", errors)
    if set(limits) != set(known.refund_limits):
        raise facts.InvalidInput({"reason": "This page was incomplete. Open it again"})
    days = said.approval_valid_days.strip()
    if not days.isdecimal() or len(days) > 3:
        errors["approval_valid_days"] = "Enter a number of days"
    share = said.review_percent.strip()
    if share and (not share.isdecimal() or len(share) > 3):
        errors["review_percent"] = "Enter 0 to 100"
    if errors:
        raise facts.InvalidInput(errors)
    return Wanted(limits, caps, int(days), seconds, persons, int(share) if share else None)


def _minor(text: str, currency: str, name: str, errors: dict[str, str]) -> int:
    if not text.strip(" 0.,"):
        return 0
    try:
        return money.parse(text, currency).minor
    except money.NotAnAmount as wrong:
        errors[name] = wrong.message
        return 0


async def decide(request: Request[Any]) -> Response:
    """Another manager agrees, or a manager refuses."""
    by, proposal = guards.staff(request), int(request.path_params["id"])
    form = await forms.bind(request, _Decision)
    if not form.ok:
        return await _page(request, 422, {"decision": "Choose to agree or to refuse"})
    try:
        await _decide(by, proposal, form.data)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, wrong.errors)
    except (facts.Stale, facts.AlreadyDecided) as fact:
        return await _page(request, 409, {"decision": str(fact)})
    except facts.Refused as fact:
        return await _page(request, 403, {"decision": str(fact)})
    return pages.see_other(request, "/rules#history")


async def _decide(by: Staff, proposal: int, said: _Decision) -> None:
    if said.decision == "agree":
        await rule_changes.agree(by, proposal, said.note)
    else:
        await rule_changes.refuse(by, proposal, said.note)
