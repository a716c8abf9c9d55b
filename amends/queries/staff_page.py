"""What the case page shows: the case with all that hangs on it and beside it, in one statement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise import connections

from amends import clock, dossier, read_alert, read_log
from amends.dossier import Dossier
from amends.flow import cancellation, desk, routing
from amends.json_rows import all_made, joined, made, many, one
from amends.models import Audit, CaseMark, ExceptionItem, Person
from amends.queries import audits, staff, staff_log, staff_views
from amends.queries.staff_views import Neighbours, View
from amends.rules import policy, workflow
from amends.rules.people import Role, Staff
from amends.rules.workflow import Status

_MOST = 200
_SENT = "FROM case_ WHERE ref = $3 AND submitted_at IS NOT NULL AND status <> 'draft'"


@dataclass(frozen=True)
class Named:
    """A member of staff who may be picked."""

    id: int
    name: str


@dataclass(frozen=True)
class Beside:
    """The history, the place in the view, the views' numbers, who may be named for what."""

    log: tuple[staff_log.Line, ...]
    place: Neighbours | None
    exceptions: tuple[ExceptionItem, ...]
    colleagues: tuple[Named, ...]
    audit: audits.AuditRow | None
    contacts: tuple[Named, ...]
    numbers: dict[str, int]
    mark: CaseMark
    labels: tuple[str, ...]
    paid: dict[str, int]  # what was paid back lately, for who has to decide


async def read(
    by: Staff, ref: str, view: View, look: read_log.Look | None = None
) -> tuple[Dossier, Beside]:
    """A case that was sent, and all beside it; that it was opened is written down with it."""
    values: list[object] = [
        by.person_id,
        clock.now(),
        ref,
        _hand_over_roles(by),
        _contact_roles(by),
    ]
    values += read_log.opening_values(by, look) if look else ()
    statement = _written(view, staff_views.numbers(by), noted=look is not None)
    found = await connections.get("default").execute_query_dict(statement, values)
    packed = json.loads(found[0]["page"]) if found else {}
    case = staff.sent(ref, dossier.opened(packed) if packed else None)
    if look is not None:
        await read_alert.counted(by, packed["opened"])
    return case, _beside(case, by, packed)


def _beside(read: Dossier, by: Staff, packed: Mapping[str, Any]) -> Beside:
    """People only where the viewer may pick one."""
    named = packed["colleagues"] if _may_hand_over(read, by) else ()
    return Beside(
        staff_log.lines(read.case, packed),
        Neighbours(**packed["place"]) if packed["place"] else None,
        all_made(ExceptionItem, packed["exceptions"]),
        tuple(Named(**each) for each in named),
        _audit(read, packed),
        tuple(Named(**each) for each in packed["contacts"] if _is_audited(read)),
        packed["numbers"],
        made(CaseMark, packed["mark"]) if packed["mark"] else CaseMark(case_id=read.case.id),
        tuple(packed["labels"]),
        packed["paid"],
    )


def _hand_over_roles(by: Staff) -> list[str]:
    """To whom the viewer may hand a case over: nobody, or anybody who works on cases."""
    return sorted(desk.WORKERS) if by.roles & desk.WORKERS else []


def _may_hand_over(read: Dossier, by: Staff) -> bool:
    mine = read.case.owner_id == by.person_id
    return read.case.status in workflow.OPEN and (mine or bool(by.roles & policy.LEADS))


def _contact_roles(by: Staff) -> list[str]:
    """Whom the viewer may name to the customer of an audited order."""
    return [Role.CSM] if by.roles & cancellation.AUDITORS else []


def _is_audited(read: Dossier) -> bool:
    return read.case.status is Status.AUDITING


def _audit(read: Dossier, packed: Mapping[str, Any]) -> audits.AuditRow | None:
    if not _is_audited(read) or packed["audit"] is None:
        return None
    row = made(Audit, packed["audit"])
    joined(row, "csm", made(Person, packed["csm"]) if packed["csm"] else None)
    return audits.row_of(row, read.case)


def _named(roles: str) -> str:
    people = (
        f"SELECT p.id, p.name FROM person p WHERE p.active AND p.roles ?| {roles}::text[] "  # noqa: S608
        f"ORDER BY p.name LIMIT {_MOST}"
    )
    return f"(SELECT coalesce(json_agg(x), '[]') FROM ({people}) x)"  # noqa: S608


@cache
def _written(view: View, numbers: str, noted: bool) -> str:
    parts = dossier.sources() | staff_log.sources() | {
        "place": f"(SELECT row_to_json(x) FROM ({staff_views.neighbours(view)}) x)",  # noqa: S608
        "exceptions": many(ExceptionItem, "WHERE t.case_id = c.id AND t.resolved_at IS NULL "
                           "ORDER BY t.id LIMIT 50"),
        "colleagues": _named("$4"),
        "contacts": _named("$5"),
        "numbers": numbers,
        "mark": one(CaseMark, "WHERE t.case_id = c.id"),
        "labels": staff_views.LABELS,
        "paid": routing.PAID_BACK,
        "audit": one(Audit, "WHERE t.case_id = c.id"),
        "csm": one(Person, "WHERE t.id = (SELECT csm_id FROM audit WHERE case_id = c.id)"),
    }  # fmt: skip
    if noted:
        parts["opened"] = "(SELECT hits FROM hit)"
    packed = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    before = f"WITH {read_log.opening(6, _SENT)} " if noted else ""
    return f"{before}SELECT json_build_object({packed}) AS page FROM case_ c WHERE c.ref = $3"  # noqa: S608
