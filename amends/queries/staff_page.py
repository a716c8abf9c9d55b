"""What the case page shows beside the case itself, read in one statement."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise import connections

from amends import clock
from amends.dossier import Dossier
from amends.flow import cancellation, desk, shelf
from amends.json_rows import all_made, joined, made, many, one
from amends.models import Audit, CaseMark, ExceptionItem, Person
from amends.queries import audits, staff_log, staff_views
from amends.queries.staff_views import Neighbours, View
from amends.rules import policy, workflow
from amends.rules.people import Role, Staff
from amends.rules.workflow import Status

_MOST = 200


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


async def beside(read: Dossier, by: Staff, view: View) -> Beside:
    """All of it; people only where the viewer may pick one."""
    values = [by.person_id, clock.now(), read.case.ref]
    values += [_hand_over_roles(read, by), _contact_roles(read, by)]
    found = await connections.get("default").execute_query_dict(_statement(view, by), values)
    packed = json.loads(found[0]["beside"])
    return Beside(
        staff_log.lines(read.case, packed),
        Neighbours(**packed["place"]) if packed["place"] else None,
        all_made(ExceptionItem, packed["exceptions"]),
        tuple(Named(**each) for each in packed["colleagues"]),
        _audit(read, packed),
        tuple(Named(**each) for each in packed["contacts"]),
        packed["numbers"],
        made(CaseMark, packed["mark"]) if packed["mark"] else CaseMark(case_id=read.case.id),
        tuple(packed["labels"]),
    )


def _hand_over_roles(read: Dossier, by: Staff) -> list[str]:
    """To whom the viewer may hand the case over: nobody, or anybody who works on cases."""
    case = read.case
    mine = case.owner_id == by.person_id
    may = by.roles & desk.WORKERS and (mine or by.roles & policy.LEADS)
    return sorted(desk.WORKERS) if may and case.status in workflow.OPEN else []


def _contact_roles(read: Dossier, by: Staff) -> list[str]:
    """Whom the viewer may name to the customer of an audited order."""
    may = read.case.status is Status.AUDITING and by.roles & cancellation.AUDITORS
    return [Role.CSM] if may else []


def _audit(read: Dossier, packed: Mapping[str, Any]) -> audits.AuditRow | None:
    if read.case.status is not Status.AUDITING or packed["audit"] is None:
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


def _statement(view: View, by: Staff) -> str:
    return _written(view, staff_views.numbers(by))


@cache
def _written(view: View, numbers: str) -> str:
    parts = staff_log.sources() | {
        "place": f"(SELECT row_to_json(x) FROM ({staff_views.neighbours(view)}) x)",  # noqa: S608
        "exceptions": many(ExceptionItem, "WHERE t.case_id = c.id AND t.resolved_at IS NULL "
                           "ORDER BY t.id LIMIT 50"),
        "colleagues": _named("$4"),
        "contacts": _named("$5"),
        "numbers": numbers,
        "mark": one(CaseMark, "WHERE t.case_id = c.id"),
        "labels": f"(SELECT coalesce(json_agg(x.label), '[]') FROM ({shelf.IN_USE}) x)",  # noqa: S608
        "audit": one(Audit, "WHERE t.case_id = c.id"),
        "csm": one(Person, "WHERE t.id = (SELECT csm_id FROM audit WHERE case_id = c.id)"),
    }  # fmt: skip
    packed = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return f"SELECT json_build_object({packed}) AS beside FROM case_ c WHERE c.ref = $3"  # noqa: S608
