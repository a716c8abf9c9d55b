"""3 Somebody else decides one exact plan: approves it, sends it back, or declines it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from amends import clock, dossier, facts, moves, policies, timeline
from amends.dossier import Dossier
from amends.flow import (
    checks,
    desk,
    desk_letters,
    goodwill,
    outbox,
    planning,
    routing,
    second_review,
    sighting,
    triage,
    waiting,
)
from amends.flow.checks import Check, Facts
from amends.models import Account, Approval, Case, Plan
from amends.rules import plan as plans
from amends.rules import policy
from amends.rules.people import Role, Staff
from amends.rules.plan import Draft
from amends.rules.workflow import Action


@dataclass(frozen=True)
class Page:
    """Everything that whoever decides must see. `verdict` says whether the viewer may decide."""

    case: Case
    plan: Plan
    draft: Draft
    prepared_by: str
    route: policy.Route
    verdict: policy.Verdict
    checks: tuple[Check, ...]
    known: Facts
    expires_at: datetime
    first: waiting.Decided | None = None

    @property
    def reading(self) -> sighting.Reading | None:
        return self.known.reading

    @property
    def rules(self) -> policy.Policy:
        return self.known.rules

    @property
    def blocking(self) -> tuple[Check, ...]:
        return checks.blocking(self.checks)


async def page(case: Case, by: Staff) -> Page:
    """The plan that waits, with live checks. Raises AlreadyDecided when it waits no more."""
    return await page_in(await dossier.of(case), by)


async def page_in(read: Dossier, by: Staff) -> Page:
    """The same from what was read already."""
    case, stored = read.case, waiting.plan_in(read)
    known = planning.facts_in(read, await _look(read, by))
    draft = plans.read(stored.canonical)
    route = await routing.route(case, draft, known.rules, known.now)
    return Page(
        case=case,
        plan=stored,
        draft=draft,
        prepared_by=stored.prepared_by.name,
        route=route,
        verdict=await waiting.verdict_in(read, stored, by, route),
        checks=checks.run(known, draft),
        known=known,
        expires_at=known.now + timedelta(days=known.rules.approval_valid_days),
        first=waiting.first_decision(read, stored),
    )


async def _look(read: Dossier, by: Staff) -> sighting.Reading | None:
    """Live where the viewer works on cases and Stripe answers, else the last copy."""
    if not by.roles & desk.WORKERS:
        return sighting.unpacked(read.reading)
    try:
        return await sighting.look(read, by)
    except facts.Unavailable:
        return sighting.unpacked(read.reading)


async def approve(
    case: Case, by: Staff, plan_version: int, digest_seen: str, note: str = ""
) -> Case:
    """Approve exactly the plan that was seen. Checked live, then written in one transaction.

    The account's row is locked while the last thirty days are summed, so that two plans decided
    at once cannot both pass under the limit. Over the second limit the first approval is only
    noted; the case moves with that of another person.
    """
    stored = await must_be_seen(case, plan_version, digest_seen)
    rules = await policies.current()
    _must_be_fresh(by, rules)
    draft = plans.read(stored.canonical)
    await _must_be_allowed(case, stored, draft, by, rules)
    found = await _must_pass(case, by, draft)
    async with in_transaction():
        await Account.filter(id=case.account_id).select_for_update().first()
        await goodwill.hold(by, draft)
        route = await _must_be_allowed(case, stored, draft, by, rules)
        told = _told(stored, by, route, found)
        if route.approvals > 1 and await waiting.first_approval(stored) is None:
            return await _note_first(case, stored, by, route, rules, told, note)
        drawn = second_review.of_plan(stored, rules)
        told |= {"second_review": drawn.told()}
        moved = await moves.move(case, Action.APPROVE, by, reason=note.strip(), data=told)
        await _record(stored, by, route, "approved", note, rules)
        await second_review.keep(stored, drawn)
        if letter := await desk_letters.approved(moved, draft):
            await outbox.mail(moved, letter, f"plan:{stored.version}")
    return moved


async def _note_first(
    case: Case,
    stored: Plan,
    by: Staff,
    route: policy.Route,
    rules: policy.Policy,
    told: dict[str, object],
    note: str,
) -> Case:
    """The first of two: it binds to the same digest, and nothing is sent or told yet."""
    if not await Case.filter(id=case.id, status=case.status, version=case.version).exists():
        raise facts.Stale("This page is out of date. Open the request again.")
    entry = timeline.Entry("approve_first", by, clock.now(), reason=note.strip(), data=told)
    await moves.note(case, entry)
    await _record(stored, by, route, waiting.FIRST, note, rules)
    return await Case.get(id=case.id)


async def must_be_seen(case: Case, plan_version: int, digest_seen: str) -> Plan:
    """The waiting plan, if it is the one on the page."""
    stored = await waiting.plan_of(case)
    if stored.version != plan_version or stored.digest != digest_seen:
        raise facts.Stale(f"Plan v{plan_version} was replaced by plan v{stored.version}.")
    if plans.digest_of(stored.canonical) != stored.digest:
        raise facts.Refused("The stored plan does not match its digest. Tell an administrator.")
    return stored


def is_fresh(by: Staff, rules: policy.Policy) -> bool:
    oldest = clock.now() - timedelta(seconds=rules.step_up_seconds)
    return by.auth_time is not None and by.auth_time >= oldest


def _must_be_fresh(by: Staff, rules: policy.Policy) -> None:
    """Step-up is a rule of the domain: the page alone could be gone around."""
    if not is_fresh(by, rules):
        raise facts.Refused("Sign in again: a decision about money needs a fresh sign-in.")


async def _must_be_allowed(
    case: Case, stored: Plan, draft: Draft, by: Staff, rules: policy.Policy
) -> policy.Route:
    if stored.policy_version != rules.version:
        raise facts.Refused("The rules changed since this plan was prepared. Send it back.")
    route = await routing.route(case, draft, rules, clock.now())
    verdict = await waiting.verdict(case, stored, by, route)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)
    return route


async def _must_pass(case: Case, by: Staff, draft: Draft) -> tuple[Check, ...]:
    """The checks at this second, with Stripe read now. Raises Refused with what is in the way."""
    known = await planning.facts_for(case, await sighting.read_claim(case, by))
    if draft.recipient != case.contact_email:
        raise facts.Refused("The customer's address changed since. Send the plan back.")
    found = checks.run(known, draft)
    if stopped := checks.blocking(found):
        raise facts.Refused(checks.told(stopped))
    return found


def _told(
    stored: Plan, by: Staff, route: policy.Route, found: tuple[Check, ...]
) -> dict[str, object]:
    return {
        "plan": stored.version,
        "digest": stored.digest,
        "role": str(_role(by, route)),
        "why_this_route": list(route.why),
        "checks": [f"{check.mood}: {check.sentence}" for check in found],
        "session": by.session_id,
    }


def _role(by: Staff, route: policy.Route) -> Role:
    """The role in which somebody decides: the highest that the route asks for."""
    return next(role for role in reversed(Role) if role in by.roles & route.roles)


async def _record(
    stored: Plan, by: Staff, route: policy.Route, decision: str, reason: str, rules: policy.Policy
) -> None:
    now = clock.now()
    good = decision in (waiting.FIRST, "approved")
    expires = now + timedelta(days=rules.approval_valid_days) if good else None
    try:
        await Approval.create(
            plan_id=stored.id,
            case_id=stored.case_id,
            decision=decision,
            digest=stored.digest,
            approver_id=by.person_id,
            role=_role(by, route),
            reason=reason.strip(),
            auth_time=by.auth_time,
            at=now,
            expires_at=expires,
        )
    except IntegrityError as error:
        raise facts.AlreadyDecided(f"Plan v{stored.version} is decided already.") from error


async def send_back(
    case: Case, by: Staff, plan_version: int, digest_seen: str, question: str
) -> Case:
    """Back to who prepared it, with a question. The plan is void; the next one is a new version."""
    stored, route, rules = await _may_turn_down(case, by, plan_version, digest_seen)
    question = desk.words(question, "note", "Write what you want to know or see changed")
    async with in_transaction():
        moved = await moves.move(
            case, Action.SEND_BACK, by, reason=question, data={"plan": stored.version}
        )
        await planning.void_live(case.id, f"Sent back by {by.name}")
        await _record(stored, by, route, "sent_back", question, rules)
    return moved


async def decline(
    case: Case, by: Staff, plan_version: int, digest_seen: str, reason: str, told: str
) -> Case:
    """No, and the case ends. `reason` is for the audit, `told` is what the customer reads."""
    stored, route, rules = await _may_turn_down(case, by, plan_version, digest_seen)
    reason = desk.words(reason, "note", "Say why, for the audit log")
    async with in_transaction():
        moved = await triage.refuse(case, by, reason, told)
        await planning.void_live(case.id, f"Declined by {by.name}")
        await _record(stored, by, route, "declined", reason, rules)
    return moved


async def _may_turn_down(
    case: Case, by: Staff, plan_version: int, digest_seen: str
) -> tuple[Plan, policy.Route, policy.Policy]:
    """Saying no needs the same person as saying yes, but neither Stripe nor the same rules."""
    stored = await must_be_seen(case, plan_version, digest_seen)
    rules = await policies.current()
    _must_be_fresh(by, rules)
    route = await routing.route(case, plans.read(stored.canonical), rules, clock.now())
    verdict = await waiting.verdict(case, stored, by, route)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)
    return stored, route, rules


async def take_back(case: Case, by: Staff, plan_version: int, reason: str) -> Case:
    """Who prepared a plan withdraws it before it is decided, to mend it."""
    stored = await waiting.plan_of(case)
    if stored.version != plan_version:
        raise facts.Stale(f"Plan v{plan_version} was replaced by plan v{stored.version}.")
    if stored.prepared_by_id != by.person_id:
        raise facts.Refused("Only who prepared this plan takes it back.")
    reason = desk.words(reason, "note", "Say why you take it back")
    data: dict[str, object] = {"plan": stored.version, "taken_back": True}
    async with in_transaction():
        moved = await moves.move(case, Action.SEND_BACK, by, reason=reason, data=data)
        await planning.void_live(case.id, f"Taken back by {by.name}")
    return moved
