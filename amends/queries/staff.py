"""What staff may see: cases, plans, decisions that wait, refunds on their way, accounts."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from tortoise import connections

from amends import dossier, facts, policies
from amends.dossier import Dossier
from amends.flow import attachment
from amends.json_rows import all_made, joined, made, many, one
from amends.models import (
    Account,
    Approval,
    Attachment,
    Deposit,
    ExceptionItem,
    Leg,
    Order,
    Person,
    Plan,
    PolicyVersion,
)
from amends.models import Case as Case  # doors name the type, nothing else
from amends.rules import plan as plans
from amends.rules import policy
from amends.rules.people import Staff
from amends.rules.plan import Draft
from amends.rules.workflow import Status

PAGE = 50
MOST = 200


@dataclass(frozen=True)
class PlanRow:
    """A stored plan: what it says, how far it got, and what became of it."""

    version: int
    digest: str
    draft: Draft
    outcome: str
    why: str
    prepared_by_id: int
    prepared_by: str
    created_at: datetime
    voided_at: datetime | None
    void_reason: str
    legs: tuple[Leg, ...]
    decisions: tuple["DecisionRow", ...]

    @property
    def refund_minor(self) -> int:
        return sum(leg.amount_minor for leg in self.draft.refunds())

    @property
    def approved(self) -> bool:
        return any(one.decision == "approved" for one in self.decisions)


@dataclass(frozen=True)
class DecisionRow:
    decision: str
    who: str
    role: str
    reason: str
    at: datetime
    expires_at: datetime | None


async def case_for(by: Staff, ref: str) -> Case:
    """A case that was sent. Drafts are the customer's own; nobody else sees them."""
    found = (
        await Case.filter(ref=ref)
        .exclude(status=Status.DRAFT)
        .select_related("account", "order", "owner")
        .first()
    )
    if found is None or found.submitted_at is None:
        raise facts.NotFound(f"There is no case {ref}.")
    return found


async def open_case(by: Staff, ref: str) -> Dossier:
    """The same with all that hangs on it."""
    return sent(ref, await dossier.of_ref(ref))


def sent(ref: str, found: Dossier | None) -> Dossier:
    """What was found of a case, if it was sent."""
    if found is None or found.case.status is Status.DRAFT or found.case.submitted_at is None:
        raise facts.NotFound(f"There is no case {ref}.")
    return found


async def plans_of(case: Case) -> tuple[PlanRow, ...]:
    """Every plan of the case, the newest first."""
    return plans_in(await dossier.of(case))


def plans_in(read: Dossier) -> tuple[PlanRow, ...]:
    """The same from what was read already."""
    return tuple(_plan(row, read) for row in read.plans)


def _plan(row: Plan, read: Dossier) -> PlanRow:
    legs = [leg for leg in read.legs if leg.plan_id == row.id]
    approvals = [one for one in read.approvals if one.plan_id == row.id]
    return PlanRow(
        row.version,
        row.digest,
        plans.read(row.canonical),
        row.outcome,
        row.why,
        row.prepared_by_id,
        row.prepared_by.name,
        row.created_at,
        row.voided_at,
        row.void_reason,
        tuple(legs),
        tuple(_decision(one) for one in approvals),
    )


def _decision(row: Approval) -> DecisionRow:
    return DecisionRow(
        row.decision, row.approver.name, row.role, row.reason, row.at, row.expires_at
    )


async def exceptions(after: int = 0, ref: str = "") -> list[ExceptionItem]:
    """What a person has to look at, the oldest first; of one case, or of all."""
    wanted = ExceptionItem.filter(resolved_at=None, id__gt=after)
    return (
        await (wanted.filter(case__ref=ref) if ref else wanted)
        .order_by("id")
        .limit(PAGE + 1)
        .select_related("case")
    )


@dataclass(frozen=True)
class CustomerPage:
    """An account with its orders and its newest cases."""

    account: Account
    orders: tuple[Order, ...]
    cases: tuple[Case, ...]
    rules: policy.Policy


_ORDERS = f"WHERE t.account_id = a.id ORDER BY t.placed_on DESC, t.id DESC LIMIT {PAGE}"
_CASES = f"""WHERE t.account_id = a.id AND t.submitted_at IS NOT NULL
 ORDER BY t.id DESC LIMIT {PAGE}"""


@cache
def _customer_sql() -> str:
    """Built at the first use: the models know their columns only once they are connected."""
    ordered = f"SELECT t.id FROM order_ t {_ORDERS}"  # noqa: S608
    parts = {
        "account": one(Account, "WHERE t.id = a.id"),
        "orders": many(Order, _ORDERS),
        "deposits": many(Deposit, f"WHERE t.order_id IN ({ordered}) ORDER BY t.position"),
        "cases": many(Case, _CASES),
        "people": many(Person, f"WHERE t.id IN (SELECT t.owner_id FROM case_ t {_CASES})"),  # noqa: S608
        "policy": one(PolicyVersion, "ORDER BY t.version DESC LIMIT 1"),
    }
    listed = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return f"SELECT json_build_object({listed}) AS packed FROM account a WHERE a.tenant_id = $1"  # noqa: S608


async def customer(tenant: str) -> CustomerPage:
    found = await connections.get("default").execute_query_dict(_customer_sql(), [tenant])
    if not found:
        raise facts.NotFound("There is no such customer.")
    packed = json.loads(found[0]["packed"])
    orders = {row["id"]: made(Order, row) for row in packed["orders"]}
    people = {row["id"]: made(Person, row) for row in packed["people"]}
    deposits = all_made(Deposit, packed["deposits"])
    for order in orders.values():
        joined(order, "deposits", [one for one in deposits if one.order_id == order.id])
    cases = all_made(Case, packed["cases"])
    for case in cases:
        joined(case, "owner", people.get(case.owner_id or 0))
        joined(case, "order", orders.get(case.order_id or 0))
    rules = made(PolicyVersion, packed["policy"]) if packed["policy"] else None
    account = made(Account, packed["account"])
    return CustomerPage(account, tuple(orders.values()), cases, policies.in_force(rules))


async def file_of(by: Staff, ref: str, file_id: str) -> attachment.StoredFile:
    """A file of a case that was sent, if it was found clean."""
    case = await case_for(by, ref)
    try:
        wanted = uuid.UUID(file_id)
    except ValueError:
        raise facts.NotFound("There is no such file.") from None
    found = await Attachment.get_or_none(id=wanted, case_id=case.id, removed_at=None, state="clean")
    if found is None:
        raise facts.NotFound("There is no such file.")
    data = await attachment.store().get(found.store_key)
    return attachment.StoredFile(found.name, found.content_type, data)
