"""What changed while somebody looked at an older page: said with name, act and time."""

from amends import facts, moments
from amends.models import TimelineEntry

_UNKNOWN = "This page was older than the case. Nothing you sent was carried out."


async def stale(case_id: int) -> facts.Stale:
    """The fact to raise when a form was older than the case."""
    last = await TimelineEntry.filter(case_id=case_id).order_by("-seq").first()
    if last is None:
        return facts.Stale(_UNKNOWN)
    return facts.Stale(
        f"{last.actor_name} changed this case on {moments.words(last.at)}: "
        f"{last.action.replace('_', ' ')}. Nothing you sent was carried out."
    )
