"""A change of the rules: one manager proposes it, another agrees; then a new version counts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tortoise.exceptions import IntegrityError
from tortoise.transactions import in_transaction

from amends import clock, facts, policies
from amends.flow import desk, four_eyes
from amends.models import PolicyVersion, RuleProposal
from amends.rules import policy
from amends.rules.money import Money, format_money
from amends.rules.people import Staff
from amends.rules.policy import Policy

MOST_DAYS = 90
# A limit above this is a slip of the finger, in any currency we know.
MOST_MINOR = 1_000_000_00


@dataclass(frozen=True)
class Wanted:
    """The rules as somebody wants them; currencies are those that have a limit already.

    Without `person_caps` or `review_percent` those in force stay.
    """

    refund_limits: Mapping[str, int]
    goodwill_caps: Mapping[str, int]
    approval_valid_days: int
    second_limits: Mapping[str, int]
    person_caps: Mapping[str, int] | None = None
    review_percent: int | None = None


@dataclass(frozen=True)
class Difference:
    """One rule, as it is and as it would be, in words."""

    name: str
    now: str
    then: str


@dataclass(frozen=True)
class Waiting:
    """A proposal that waits for a second manager. `stale`: the rules changed since."""

    id: int
    proposed_by_id: int
    proposed_by: str
    reason: str
    at: datetime
    differences: tuple[Difference, ...]
    stale: bool


async def waiting() -> Waiting | None:
    row = await RuleProposal.filter(decision="").select_related("proposed_by").first()
    if row is None:
        return None
    current = await policies.current()
    wanted = policies.read(current.version, row.rules)
    return Waiting(
        row.id,
        row.proposed_by_id,
        row.proposed_by.name,
        row.reason,
        row.at,
        differences(current, wanted),
        row.base_version != current.version,
    )


def differences(now: Policy, then: Policy) -> tuple[Difference, ...]:
    found = [
        *_amounts("Refund without a lead", now.refund_limits, then.refund_limits),
        *_amounts("Refund without a second approval", now.second_limits, then.second_limits),
        *_amounts("Goodwill credit at most", now.goodwill_caps, then.goodwill_caps),
        *_amounts(
            "Goodwill credit by one person", now.goodwill_person_caps, then.goodwill_person_caps
        ),
    ]
    if now.approval_valid_days != then.approval_valid_days:
        found.append(
            Difference(
                "An approval is good for",
                f"{now.approval_valid_days} days",
                f"{then.approval_valid_days} days",
            )
        )
    if now.review_percent != then.review_percent:
        drawn = (f"{now.review_percent} in a hundred", f"{then.review_percent} in a hundred")
        found.append(Difference("Approved plans looked at again", *drawn))
    return tuple(found)


def _amounts(name: str, now: Mapping[str, int], then: Mapping[str, int]) -> list[Difference]:
    return [
        Difference(f"{name}, {key.upper()}", _shown(now.get(key), key), _shown(then.get(key), key))
        for key in sorted({*now, *then})
        if now.get(key) != then.get(key)
    ]


def _shown(minor: int | None, currency: str) -> str:
    return "none" if minor is None else format_money(Money(minor, currency))


async def propose(by: Staff, wanted: Wanted, reason: str) -> None:
    """Put a change down. Nothing counts until another manager agrees."""
    _must_manage(by)
    reason = desk.words(reason, "reason", "Say why the rules should change")
    current = await policies.current()
    _must_be_sane(wanted)
    rules = _rules(current, wanted)
    if not differences(current, policies.read(current.version, rules)):
        raise facts.InvalidInput({"reason": "Nothing differs from the rules in force"})
    try:
        async with in_transaction():
            await RuleProposal.create(
                base_version=current.version,
                rules=rules,
                reason=reason,
                proposed_by_id=by.person_id,
                at=clock.now(),
            )
    except IntegrityError as error:
        raise facts.AlreadyDecided(
            "Another change waits already. Decide that one first."
        ) from error


def _rules(current: Policy, wanted: Wanted) -> dict[str, Any]:
    """All rules are stored, also those that stay, so that a version reads by itself."""
    kept = {name: value for name, value in asdict(current).items() if name != "version"}
    return kept | {
        "refund_limits": dict(wanted.refund_limits),
        "second_limits": dict(wanted.second_limits),
        "goodwill_caps": dict(wanted.goodwill_caps),
        "goodwill_person_caps": dict(
            current.goodwill_person_caps if wanted.person_caps is None else wanted.person_caps
        ),
        "approval_valid_days": wanted.approval_valid_days,
        "review_percent": (
            current.review_percent if wanted.review_percent is None else wanted.review_percent
        ),
    }


def _must_be_sane(wanted: Wanted) -> None:
    errors = {}
    limits = {
        "limit": wanted.refund_limits,
        "second": wanted.second_limits,
        "cap": wanted.goodwill_caps,
        "person": wanted.person_caps or {},
    }
    for name, amounts in limits.items():
        for currency, minor in amounts.items():
            if not 0 <= minor <= MOST_MINOR:
                most = format_money(Money(MOST_MINOR, currency))
                errors[f"{name}_{currency}"] = f"Enter an amount up to {most}"
    if not 1 <= wanted.approval_valid_days <= MOST_DAYS:
        errors["approval_valid_days"] = f"Enter 1 to {MOST_DAYS} days"
    if not 0 <= (wanted.review_percent or 0) <= 100:
        errors["review_percent"] = "Enter 0 to 100"
    if errors:
        raise facts.InvalidInput(errors)


async def agree(by: Staff, proposal_id: int, note: str = "") -> int:
    """The second manager. Plans that were prepared under the old rules have to be sent back."""
    _must_manage(by)
    current = await policies.current()
    four_eyes.must_be_fresh(by, current)
    async with in_transaction():
        row = await _open(proposal_id)
        four_eyes.must_be_another(by, row.proposed_by_id)
        if row.base_version != current.version:
            raise facts.Stale(
                "The rules changed since this was proposed. Refuse it and start anew."
            )
        await _decide(row, by, four_eyes.AGREED, note)
        return await _store(row, by, current.version + 1)


async def _store(row: RuleProposal, by: Staff, version: int) -> int:
    await row.fetch_related("proposed_by")
    try:
        await PolicyVersion.create(
            version=version,
            rules=row.rules,
            proposed_by=row.proposed_by.name,
            agreed_by=by.name,
            reason=row.reason,
            at=clock.now(),
        )
    except IntegrityError as error:
        raise facts.AlreadyDecided("Another change came first. Look at the rules again.") from error
    return version


async def refuse(by: Staff, proposal_id: int, note: str) -> None:
    """A manager says no; who proposed it takes it back this way too."""
    _must_manage(by)
    note = desk.words(note, "note", "Say why not")
    async with in_transaction():
        await _decide(await _open(proposal_id), by, four_eyes.REFUSED, note)


async def _open(proposal_id: int) -> RuleProposal:
    row = await RuleProposal.filter(id=proposal_id).select_for_update().first()
    if row is None:
        raise facts.NotFound("There is no such proposal.")
    if row.decision:
        raise facts.AlreadyDecided(f"This change was {row.decision} already.")
    return row


async def _decide(row: RuleProposal, by: Staff, decision: str, note: str) -> None:
    await RuleProposal.filter(id=row.id).update(
        decision=decision, decided_by_id=by.person_id, decided_at=clock.now(), note=note.strip()
    )


def _must_manage(by: Staff) -> None:
    if not by.roles & policy.MANAGERS:
        raise facts.Refused("Only managers change the rules.")
