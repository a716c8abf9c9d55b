"""What a person has to look at: told once per kind and key, settled by a person or the facts."""

from tortoise import connections

from amends import clock, rows
from amends.models import ExceptionItem

_OPEN = """
INSERT INTO exception_item
  (kind, key, case_id, stripe_id, detail, opened_at, resolved_by, resolution)
VALUES ($1, $2, $3, $4, $5, $6, '', '')
ON CONFLICT (kind, key) WHERE resolved_at IS NULL DO NOTHING
"""


async def tell(
    kind: str, key: str, detail: str, *, case_id: int | None = None, stripe_id: str = ""
) -> None:
    """Put it on the desk unless it is there already. Joins the caller's transaction."""
    await connections.get("default").execute_query(
        _OPEN, [kind, key, case_id, stripe_id, detail, clock.now()]
    )


async def settle(kind: str, key: str, resolution: str, by: str = "the facts") -> None:
    """Take it off: what was unknown is known now."""
    await rows.change(
        ExceptionItem,
        {"resolved_at": clock.now(), "resolved_by": by, "resolution": resolution},
        "WHERE kind = $1 AND key = $2 AND resolved_at IS NULL",
        kind,
        key,
    )
