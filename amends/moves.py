"""The only place where a case changes its status: one conditional update, one timeline row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NoReturn

from amends import clock, facts, jobs, rows, settings, timeline
from amends.models import Case, ChargeClaim, TimelineEntry
from amends.rules import business_days, due, workflow
from amends.rules.people import Actor
from amends.rules.workflow import Action, Status


async def move(
    case: Case,
    action: Action,
    by: Actor,
    *,
    reason: str = "",
    data: dict[str, object] | None = None,
    changes: dict[str, Any] | None = None,
    wakes: Sequence[jobs.Wake] = (),
) -> Case:
    """Take `action` on the case as the caller saw it (its status and version).

    `changes` are other columns of the case to set with it; `wakes` are deferred in the same
    transaction. Raises Refused when the move is not legal, AlreadyDecided when someone was faster.
    """
    target = workflow.target(case.status, action)
    if target is None:
        raise facts.Refused(f"This request is {words(case.status)}; that cannot be done now.")
    now = clock.now()
    async with rows.in_transaction():
        moved = await _update(case, target, {**_dates(target, now), **(changes or {})})
        await timeline.append(
            case.id, timeline.Entry(action, by, now, reason, case.status, target, data or {})
        )
        if target in workflow.FINAL:
            await rows.change(
                ChargeClaim,
                {"released_at": now},
                "WHERE case_id = $1 AND released_at IS NULL",
                case.id,
            )
        await jobs.defer(*wakes, *([jobs.advance(case.id)] if target in due.WORKER else []))
    return moved


async def _update(case: Case, target: Status, changes: dict[str, Any]) -> Case:
    changed = await rows.changed(
        Case,
        {"status": target, "version": case.version + 1, **changes},
        "WHERE id = $1 AND status = $2 AND version = $3",
        case.id,
        case.status,
        case.version,
    )
    return changed[0] if changed else await _lost_race(case.id)


async def _lost_race(case_id: int) -> NoReturn:
    last = (
        await TimelineEntry.filter(case_id=case_id).exclude(to_status="").order_by("-seq").first()
    )
    if last is None:
        raise facts.Stale("This page is out of date. Open the request again.")
    raise facts.AlreadyDecided(
        f"{last.actor_name} was faster: {last.action.replace('_', ' ')} at "
        f"{last.at:%Y-%m-%d %H:%M} UTC. Nothing you sent was carried out.",
        last.actor_name,
        last.at,
    )


def _dates(target: Status, now: datetime) -> dict[str, Any]:
    """When the new state is due, and when the worker looks next."""
    days = due.STAFF_DAYS.get(target)
    calendar = business_days.Calendar(settings.load().country)
    return {
        "due_at": at_same_time(calendar, now, days) if days else None,
        # Every open case is looked at again, by a person's step or by the worker at the latest.
        "next_check_at": now if target in workflow.OPEN | due.WATCHED else None,
        "closed_at": now if target in workflow.FINAL else None,
    }


def at_same_time(calendar: business_days.Calendar, now: datetime, days: int) -> datetime:
    """The same time of day, `days` business days later."""
    return datetime.combine(calendar.add(now.date(), days), now.timetz())


def words(status: Status) -> str:
    return status.replace("_", " ")


async def note(case: Case, entry: timeline.Entry, wakes: Sequence[jobs.Wake] = ()) -> None:
    """Record something that changes no status, under the case's row lock."""
    async with rows.in_transaction():
        await rows.first(Case, "WHERE id = $1 FOR UPDATE", case.id)
        await timeline.append(case.id, entry)
        await jobs.defer(*wakes)
