"""Everything that stands on one case, read in one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise import connections

from amends.json_rows import all_made, joined, made, many, one
from amends.models import (
    Account,
    Approval,
    Case,
    Deposit,
    EffectiveDate,
    IdentityCheck,
    Leg,
    Order,
    Person,
    Plan,
    PolicyVersion,
    StripeReading,
    TimelineEntry,
)


@dataclass(frozen=True)
class Dossier:
    """A case with its account, order and owner in place, and what hangs on it.

    `deposits` are those of the order, `picked` those that staff named instead. `plans` have who
    prepared them, the newest first; `legs` have their plan, `approvals` and `checks` who gave
    them, the oldest first.
    """

    case: Case
    account: Account
    order: Order | None
    deposits: tuple[Deposit, ...]
    picked: tuple[Deposit, ...]
    plans: tuple[Plan, ...]
    legs: tuple[Leg, ...]
    approvals: tuple[Approval, ...]
    checks: tuple[IdentityCheck, ...]
    reading: StripeReading | None
    policy: PolicyVersion | None
    effective: EffectiveDate | None
    # The account manager's word on a module, and who held the case at each proposal.
    weighed: TimelineEntry | None
    proposals: tuple[TimelineEntry, ...]
    card_elsewhere: bool
    audited: bool

    @property
    def claimed(self) -> tuple[Deposit, ...]:
        """The card payments this case is about."""
        return self.picked if self.case.deposit_ids else self.deposits

    @property
    def live_plan(self) -> Plan | None:
        return next((plan for plan in self.plans if plan.voided_at is None), None)

    @property
    def next_version(self) -> int:
        return self.plans[0].version + 1 if self.plans else 1


async def of(case: Case) -> Dossier:
    """What hangs on this case now; the case itself stays the one that the caller holds."""
    [found] = await _read("c.id = $1", case.id)
    for name, row in (("account", found.account), ("order", found.order)):
        joined(case, name, row)
    return Dossier(**vars(found) | {"case": case})


async def of_many(case_ids: Sequence[int]) -> dict[int, Dossier]:
    """Those of several cases, in one statement too; in none for no case."""
    found = await _read("c.id = ANY($1::bigint[])", list(case_ids)) if case_ids else []
    return {read.case.id: read for read in found}


async def of_ref(ref: str) -> Dossier | None:
    """The case of this reference with all that hangs on it, drafts too."""
    found = await _read("c.ref = $1", ref)
    return found[0] if found else None


async def _read(where: str, key: object) -> list[Dossier]:
    found = await connections.get("default").execute_query_dict(_statement(where), [key])
    return [opened(json.loads(row["dossier"])) for row in found]


_PEOPLE = """WHERE t.id = c.owner_id
 OR t.id IN (SELECT i.by_id FROM identity_check i WHERE i.case_id = c.id)
 OR t.id IN (SELECT p.prepared_by_id FROM plan p WHERE p.case_id = c.id)
 OR t.id IN (SELECT a.approver_id FROM approval a WHERE a.case_id = c.id)
 OR t.id IN (SELECT e.by_id FROM effective_date e WHERE e.case_id = c.id)"""
_CARD_ELSEWHERE = """(c.card_fingerprint <> '' AND (
 EXISTS (SELECT 1 FROM case_ o WHERE o.card_fingerprint = c.card_fingerprint
   AND o.card_fingerprint <> '' AND o.account_id <> c.account_id)
 OR EXISTS (SELECT 1 FROM deposit d JOIN order_ o ON o.id = d.order_id
   WHERE d.card_fingerprint = c.card_fingerprint AND d.card_fingerprint <> ''
   AND o.account_id <> c.account_id)))"""
_PICKED = "SELECT chosen.id::bigint FROM jsonb_array_elements_text(c.deposit_ids) AS chosen(id)"
_AUDITED = """EXISTS (SELECT 1 FROM audit u WHERE u.case_id = c.id
 AND u.finished_at IS NOT NULL)"""
_OF_CASE = "WHERE t.case_id = c.id"


@cache
def _statement(where: str) -> str:
    packed = ", ".join(f"'{name}', {sql}" for name, sql in sources().items())
    return f"SELECT json_build_object({packed}) AS dossier FROM case_ c WHERE {where}"  # noqa: S608


def sources() -> dict[str, str]:
    """What a dossier is made of, as SQL for one case `c`; `opened` reads it."""
    return {
        "case": one(Case, "WHERE t.id = c.id"),
        "account": one(Account, "WHERE t.id = c.account_id"),
        "order": one(Order, "WHERE t.id = c.order_id"),
        "people": many(Person, _PEOPLE),
        "deposits": many(Deposit, "WHERE t.order_id = c.order_id ORDER BY t.position, t.id"),
        "picked": many(Deposit, f"WHERE t.id IN ({_PICKED}) ORDER BY t.position, t.id"),
        "plans": many(Plan, f"{_OF_CASE} ORDER BY t.version DESC"),
        "legs": many(Leg, f"{_OF_CASE} ORDER BY t.plan_id, t.position"),
        "approvals": many(Approval, f"{_OF_CASE} ORDER BY t.id"),
        "checks": many(IdentityCheck, f"{_OF_CASE} ORDER BY t.id"),
        "reading": one(StripeReading, _OF_CASE),
        "policy": one(PolicyVersion, "ORDER BY t.version DESC LIMIT 1"),
        "effective": one(EffectiveDate, f"{_OF_CASE} ORDER BY t.id DESC LIMIT 1"),
        "weighed": one(
            TimelineEntry, f"{_OF_CASE} AND t.action = 'weigh_module' ORDER BY t.seq DESC LIMIT 1"
        ),
        "proposals": many(TimelineEntry, f"{_OF_CASE} AND t.action = 'propose' ORDER BY t.seq"),
        "card_elsewhere": _CARD_ELSEWHERE,
        "audited": _AUDITED,
    }


def opened(packed: Mapping[str, Any]) -> Dossier:
    """From the JSON of a statement that has all `sources`."""
    people = {row["id"]: made(Person, row) for row in packed["people"]}
    case, account = made(Case, packed["case"]), made(Account, packed["account"])
    order = made(Order, packed["order"]) if packed["order"] else None
    joined(case, "account", account)
    joined(case, "order", order)
    joined(case, "owner", people.get(case.owner_id or 0))
    plans = all_made(Plan, packed["plans"])
    legs = all_made(Leg, packed["legs"])
    approvals = all_made(Approval, packed["approvals"])
    checks = all_made(IdentityCheck, packed["checks"])
    effective = made(EffectiveDate, packed["effective"]) if packed["effective"] else None
    _join(plans, legs, approvals, checks, effective, people)
    return Dossier(
        case, account, order, all_made(Deposit, packed["deposits"]),
        all_made(Deposit, packed["picked"]), plans, legs, approvals, checks,
        made(StripeReading, packed["reading"]) if packed["reading"] else None,
        made(PolicyVersion, packed["policy"]) if packed["policy"] else None,
        effective,
        made(TimelineEntry, packed["weighed"]) if packed["weighed"] else None,
        all_made(TimelineEntry, packed["proposals"]),
        packed["card_elsewhere"],
        packed["audited"],
    )  # fmt: skip


def _join(
    plans: tuple[Plan, ...],
    legs: tuple[Leg, ...],
    approvals: tuple[Approval, ...],
    checks: tuple[IdentityCheck, ...],
    effective: EffectiveDate | None,
    people: Mapping[int, Person],
) -> None:
    by_id = {plan.id: plan for plan in plans}
    for plan in plans:
        joined(plan, "prepared_by", people[plan.prepared_by_id])
    for leg in legs:
        joined(leg, "plan", by_id[leg.plan_id])
    for approval in approvals:
        joined(approval, "approver", people[approval.approver_id])
        joined(approval, "plan", by_id[approval.plan_id])
    for check in checks:
        joined(check, "by", people[check.by_id])
    if effective is not None:
        joined(effective, "by", people[effective.by_id])
