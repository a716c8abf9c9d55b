"""The plan that waits for a decision: whose it is to take, and what became of it."""

from dataclasses import dataclass
from datetime import datetime

from amends import clock, dossier, facts, moments, moves
from amends.dossier import Dossier
from amends.flow import goodwill
from amends.models import Approval, Case, Plan
from amends.rules import policy
from amends.rules.people import Role, Staff
from amends.rules.workflow import Status

# The first of two approvals that a plan over the second limit needs.
FIRST = "agreed"
_DID = {
    FIRST: "approved, as the first of two,",
    "approved": "approved",
    "sent_back": "sent back",
    "declined": "declined",
}


@dataclass(frozen=True)
class Decided:
    """A decision that was taken: by whom, when, in which role, with which words."""

    what: str
    who: str
    role: Role
    at: datetime
    reason: str
    version: int

    @property
    def sentence(self) -> str:
        return f"{self.who} {_DID[self.what]} plan v{self.version} on {moments.words(self.at)}."


async def plan_of(case: Case) -> Plan:
    """The plan that waits for a decision. Raises AlreadyDecided, with who and when, if none."""
    stored = await Plan.filter(case_id=case.id, voided_at=None).first()
    if case.status is not Status.PROPOSED or stored is None:
        raise await already(case)
    return stored


def plan_in(read: Dossier) -> Plan:
    """The same from what was read already."""
    stored = read.live_plan
    if read.case.status is not Status.PROPOSED or stored is None:
        raise already_in(read)
    return stored


async def already(case: Case) -> facts.AlreadyDecided:
    """What became of the last plan: the decision with who and when, or just where the case is."""
    return already_in(await dossier.of(case))


def already_in(read: Dossier) -> facts.AlreadyDecided:
    last = last_in(read)
    if last is None or last.version != read.next_version - 1:
        where = moves.words(read.case.status)
        return facts.AlreadyDecided(f"No plan waits here: the case is {where}.")
    return facts.AlreadyDecided(last.sentence, last.who, last.at)


def last_in(read: Dossier) -> Decided | None:
    final = [row for row in read.approvals if row.decision != FIRST]
    return _decided(final[-1]) if final else None


def _decided(row: Approval) -> Decided:
    return Decided(
        row.decision, row.approver.name, Role(row.role), row.at, row.reason, row.plan.version
    )


async def first_approval(stored: Plan) -> Approval | None:
    """Who approved first, where two have to. Raises Refused when that approval grew too old."""
    row = await Approval.filter(plan_id=stored.id, decision=FIRST).first()
    if row is not None and row.expires_at is not None and row.expires_at < clock.now():
        raise facts.Refused("The first approval of this plan expired. Send the plan back.")
    return row


def first_in(read: Dossier, stored: Plan) -> Approval | None:
    first = (row for row in read.approvals if row.decision == FIRST and row.plan_id == stored.id)
    return next(first, None)


def first_decision(read: Dossier, stored: Plan) -> Decided | None:
    """Who approved first, as the page tells it."""
    row = first_in(read, stored)
    return _decided(row) if row else None


async def verdict(case: Case, stored: Plan, by: Staff, route: policy.Route) -> policy.Verdict:
    return await verdict_in(await dossier.of(case), stored, by, route)


async def verdict_in(read: Dossier, stored: Plan, by: Staff, route: policy.Route) -> policy.Verdict:
    """The same from what was read already."""
    found = policy.may_decide(by, route, frozenset({stored.prepared_by_id}))
    if isinstance(found, policy.Allowed) and by.person_id in _holders(read, stored):
        return policy.Refused("You hold this case, so someone else has to approve its plan.")
    if isinstance(found, policy.Refused):
        return found
    first = first_in(read, stored)
    found = policy.may_approve_second(by, first.approver_id if first else None)
    return await goodwill.verdict(by, stored) if isinstance(found, policy.Allowed) else found


def _holders(read: Dossier, stored: Plan) -> frozenset[int | None]:
    """Who held the case when the plan was made, by the history, and who holds it now."""
    proposed = [row for row in read.proposals if row.data.get("plan") == stored.version]
    then = proposed[-1].data.get("held_by") if proposed else None
    return frozenset({then if isinstance(then, int) else None, read.case.owner_id}) - {None}
