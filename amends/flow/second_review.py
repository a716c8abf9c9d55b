"""Of the approved plans a few are drawn, and somebody without a part in them looks once more.

It moves no money and stops none: it finds what two people did together. Nobody can foresee the
draw, which hangs on the secret key and the plan's digest; whoever has the key can repeat it.
"""

from dataclasses import dataclass

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, keyring, moves, settings, timeline
from amends.flow import desk
from amends.keyring import Key
from amends.models import Case, Plan, SecondReview, TimelineEntry
from amends.rules.people import Role, Staff
from amends.rules.policy import Policy

CONFIRMED, OBJECTED = "confirmed", "objected"
REVIEWERS = frozenset({Role.AUDITOR, Role.MANAGER})
_PARTS = 2**32


@dataclass(frozen=True)
class Draw:
    """Whether a plan is looked at again, and under which key that was drawn."""

    key: str
    percent: int
    drawn: bool

    def told(self) -> dict[str, object]:
        """For the chained history of the case: a draw cannot be made to vanish afterwards."""
        return {"key": self.key, "percent": self.percent, "drawn": self.drawn}


def draw(key: Key, digest: str, percent: int) -> Draw:
    """The same for the same key and plan, and a coin of `percent` per cent to anybody else."""
    number = int(keyring.mac(key, "second review", digest)[:8], 16)
    return Draw(key.id, percent, number * 100 < percent * _PARTS)


def of_plan(stored: Plan, rules: Policy) -> Draw:
    """Under the key that signs now. Without one nothing can be drawn; production has one."""
    found = keyring.keys(settings.load())
    return draw(found[0], stored.digest, rules.review_percent) if found else Draw("", 0, False)


async def keep(stored: Plan, drawn: Draw) -> None:
    """Put a drawn plan on the auditors' list. Joins the transaction of the approval."""
    if drawn.drawn:
        await SecondReview.create(
            plan_id=stored.id,
            case_id=stored.case_id,
            digest=stored.digest,
            percent=drawn.percent,
            key=drawn.key,
            drawn_at=clock.now(),
        )


async def decide(by: Staff, review_id: int, decision: str, reason: str) -> None:
    """Confirm, or object with a reason; an objection goes to the exceptions desk as well."""
    _must_review(by)
    if decision not in (CONFIRMED, OBJECTED):
        raise facts.InvalidInput({"decision": "Choose to confirm or to object"})
    if decision == OBJECTED:
        reason = desk.words(reason, "reason", "Say what is wrong with it")
    async with in_transaction():
        row = await _open(review_id)
        await _must_have_no_part(by, row)
        await SecondReview.filter(id=row.id).update(
            decision=decision, reviewer_id=by.person_id, reason=reason.strip(),
            decided_at=clock.now(),
        )  # fmt: skip
        await _tell(row, by, decision, reason.strip())


def _must_review(by: Staff) -> None:
    if not by.roles & REVIEWERS:
        raise facts.Refused("Auditors and managers look at plans a second time.")


async def _open(review_id: int) -> SecondReview:
    row = await SecondReview.filter(id=review_id).select_for_update(of=("second_review",)).first()
    if row is None:
        raise facts.NotFound("There is no such review.")
    if row.decision:
        raise facts.AlreadyDecided(f"This plan was looked at already: {row.decision}.")
    return row


async def _must_have_no_part(by: Staff, row: SecondReview) -> None:
    """Whoever did anything on the case has a part in it; the history knows them all."""
    if await TimelineEntry.filter(case_id=row.case_id, actor_id=by.actor_id).exists():
        raise facts.Refused("You worked on this case, so someone else has to look at its plan.")


async def _tell(row: SecondReview, by: Staff, decision: str, reason: str) -> None:
    case = await Case.get(id=row.case_id)
    action = "review_confirmed" if decision == CONFIRMED else "review_objected"
    await moves.note(
        case,
        timeline.Entry(action, by, clock.now(), reason=reason, data={"digest": row.digest}),
    )
    if decision == OBJECTED:
        detail = f"{case.ref}: {by.name} objects to its plan: {reason}"
        await exceptions_desk.tell("review_objected", f"review:{row.id}", detail, case_id=case.id)
