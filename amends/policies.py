"""The rules in force: the newest row of the policy's history, or the written default."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from amends.models import PolicyVersion
from amends.rules import policy

# What a row may set. Anything else was written by another version and must not be guessed.
_KNOWN = frozenset(
    {
        "refund_limits",
        "second_limits",
        "goodwill_caps",
        "goodwill_person_caps",
        "approval_valid_days",
        "step_up_seconds",
        "window_days",
        "review_percent",
    }
)


async def current() -> policy.Policy:
    """The policy of this moment. Its version goes into every plan's digest."""
    return in_force(await PolicyVersion.all().order_by("-version").first())


def in_force(newest: PolicyVersion | None) -> policy.Policy:
    """The same from the newest row of the history, read already."""
    return read(newest.version, newest.rules) if newest else policy.Policy()


def made_under(version: int, row: PolicyVersion | None) -> policy.Policy:
    """The policy that counted when a plan was made, from its row of the history if it has one."""
    return read(row.version, row.rules) if row else policy.Policy(version=version)


def read(version: int, rules: Mapping[str, Any]) -> policy.Policy:
    """Raises ValueError on a rule that this version does not know."""
    if strange := set(rules) - _KNOWN:
        raise ValueError(f"Policy v{version} has rules this version does not know: {strange}")
    return policy.Policy(version=version, **rules)


@dataclass(frozen=True)
class Change:
    """One version of the rules: who proposed it, who agreed, and why."""

    version: int
    proposed_by: str
    agreed_by: str
    reason: str
    at: datetime


async def history() -> tuple[Change, ...]:
    """Every version that was ever in force, the newest first."""
    rows = await PolicyVersion.all().order_by("-version").limit(50)
    return tuple(
        Change(row.version, row.proposed_by, row.agreed_by, row.reason, row.at) for row in rows
    )
