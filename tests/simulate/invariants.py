"""What must hold at every step and at the end: our rows against the twin's own books."""

from dataclasses import dataclass, field

from amends.models import (
    Approval,
    Attempt,
    Case,
    ExceptionItem,
    LedgerEntry,
    Leg,
    Plan,
    TimelineEntry,
)
from amends.rules import plan as plans
from amends.rules import workflow
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from amends.timeline import GENESIS, chain_hash, commitment
from sandbox.stripe_twin.world import World


class Violation(AssertionError):
    """An invariant of the money protocol does not hold."""


def require(holds: bool, number: str, text: str) -> None:
    if not holds:
        raise Violation(f"{number}: {text}")


@dataclass
class Books:
    """What the twin did, read straight from its tables; no API call, no application code."""

    world: World
    seen_rows: int = 0
    charged_before_refund: list[str] = field(default_factory=list)

    def refunds(self) -> list[dict[str, object]]:
        return [dict(doc) for doc in self.world.store.table("refund").oldest_first()]

    def intents(self) -> list[dict[str, object]]:
        return [
            dict(doc)
            for doc in self.world.store.table("payment_intent").oldest_first()
            if doc["metadata"].get("leg")
        ]


def at_every_step(books: Books) -> None:
    """I1, I2, I3, I5 from Stripe's side alone; cheap enough for each turn."""
    alive = [each for each in books.refunds() if each["status"] not in ("failed", "canceled")]
    _never_above_the_charge(books.world, alive)
    _one_per_leg(alive)
    charged = [each for each in books.intents() if each["status"] == "succeeded"]
    cases = [str(each["metadata"]["case"]) for each in charged]  # type: ignore[index]
    require(len(cases) == len(set(cases)), "I5", f"a case was charged twice: {cases}")


def _never_above_the_charge(world: World, alive: list[dict[str, object]]) -> None:
    used: dict[str, int] = {}
    for each in alive:
        charge = str(each["charge"])
        used[charge] = used.get(charge, 0) + int(str(each["amount"]))
    for charge, amount in used.items():
        doc = world.store.get("charge", charge)
        assert doc is not None
        require(amount <= doc["amount_captured"], "I1", f"{charge}: {amount} refunded")


def _one_per_leg(alive: list[dict[str, object]]) -> None:
    legs = [each["metadata"].get("leg") for each in alive]  # type: ignore[attr-defined]
    ours = [leg for leg in legs if leg]
    require(len(ours) == len(set(ours)), "I2", f"a leg was refunded twice: {ours}")


def when_charged(books: Books, intent: dict[str, object]) -> None:
    """I4, at the moment of the charge: every refund of the case reads succeeded at Stripe."""
    case = intent["metadata"]["case"]  # type: ignore[index]
    refunds = [each for each in books.refunds() if each["metadata"].get("case") == case]  # type: ignore[attr-defined]
    require(
        any(each["status"] == "succeeded" for each in refunds),
        "I4",
        f"{case} was charged with no refund confirmed",
    )
    waiting = [each["id"] for each in refunds if each["status"] == "pending"]
    require(not waiting, "I4", f"{case} was charged while {waiting} were pending")


async def at_the_end(books: Books, case: Case) -> None:
    """Everything else, once nothing moves any more."""
    legs = await settled(books, case)
    await _executed_is_approved(books, case, legs)
    await _keys_and_intents(books, case)
    await _ledger(books, case)
    await _chain(case)


async def settled(books: Books, case: Case) -> list[Leg]:
    """I19, I22 to I24: the case waits for nobody or for a person, and reads what Stripe reads."""
    legs = await Leg.filter(case_id=case.id)
    await _nothing_stuck(case, legs)
    await _rows_match_stripe(books, legs)
    return legs


async def _nothing_stuck(case: Case, legs: list[Leg]) -> None:
    """I23, I24: final or with a person who has a date."""
    human = {
        Status.TRIAGE,
        Status.PARTLY_REFUNDED,
        Status.NEEDS_NEW_CARD,
        Status.NEEDS_AUTHENTICATION,
        Status.REFUND_FAILED_LATE,
        Status.LOCKED_CHARGEBACK,
        Status.LOCKED_FRAUD,
        Status.PROPOSED,
    }
    told = [f"{each.kind}: {each.detail}" for each in await ExceptionItem.filter(case_id=case.id)]
    seen = [f"{leg.kind} {leg.state} {leg.pending_reason} {leg.failure}" for leg in legs]
    require(case.status in workflow.FINAL | human, "I23", f"stuck in {case.status}: {seen} {told}")
    if case.status in human:
        require(case.due_at is not None, "I24", f"{case.status} without a date")
    loose = [leg.state for leg in legs if leg.state in (LegState.SENDING, LegState.UNKNOWN)]
    require(not loose, "I23", f"legs left {loose} in {case.status}")


async def _rows_match_stripe(books: Books, legs: list[Leg]) -> None:
    """I19, I22: each leg reads what Stripe reads."""
    refunds = {str(each["id"]): each for each in books.refunds()}
    intents = {str(each["id"]): each for each in books.intents()}
    for leg in legs:
        if leg.kind is LegKind.REFUND and leg.stripe_id:
            require(
                str(refunds[leg.stripe_id]["status"]) == leg.state,
                "I22",
                f"{leg.stripe_id} reads {refunds[leg.stripe_id]['status']}, leg {leg.state}",
            )
        if leg.kind is LegKind.RECHARGE and leg.stripe_id:
            charged = intents[leg.stripe_id]["status"] == "succeeded"
            require(
                charged == (leg.state is LegState.SUCCEEDED),
                "I22",
                f"{leg.stripe_id} reads {intents[leg.stripe_id]['status']}, leg {leg.state}",
            )


async def _executed_is_approved(books: Books, case: Case, legs: list[Leg]) -> None:
    """I3, I6, I7, I9, I10: what Stripe did is what somebody else approved, to the byte."""
    for each in [*books.refunds(), *books.intents()]:
        metadata = each["metadata"]
        assert isinstance(metadata, dict)
        if metadata.get("case") != case.ref:
            continue
        leg = next(leg for leg in legs if str(leg.id) == metadata["leg"])
        plan = await Plan.get(id=leg.plan_id)
        approval = await Approval.get(plan_id=plan.id, decision="approved")
        require(
            metadata["digest"] == plan.digest == approval.digest == plans.digest_of(plan.canonical),
            "I9",
            "executed is not approved",
        )
        require(approval.approver_id != plan.prepared_by_id, "I7", "approved by the preparer")
        require(
            (each["amount"], each["currency"]) == (leg.amount_minor, leg.currency),
            "I6",
            f"{each['id']} moved {each['amount']}",
        )
        planned = next(p for p in plans.read(plan.canonical).legs if p.leg_id == str(leg.id))
        require(
            (each["amount"], each["currency"]) == (planned.amount_minor, planned.currency),
            "I9",
            f"{each['id']} moved {each['amount']}, approved was {planned.amount_minor}",
        )
        if leg.kind is LegKind.REFUND:
            require(each["charge"] == leg.charge_id, "I3", "refunded another charge")
        else:
            require(each["customer"] == leg.customer_id, "I6", "charged another customer")


async def _keys_and_intents(books: Books, case: Case) -> None:
    """I17, I18: an intent row stands behind every object; a key belongs to one attempt."""
    attempts = await Attempt.filter(leg__case_id=case.id)
    keys = [each.idempotency_key for each in attempts]
    require(len(keys) == len(set(keys)), "I18", "a key was used for two attempts")
    legs = {str(each.leg_id) for each in attempts}
    for each in [*books.refunds(), *books.intents()]:
        leg = each["metadata"].get("leg")  # type: ignore[attr-defined]
        if each["metadata"].get("case") == case.ref:  # type: ignore[attr-defined]
            require(leg in legs, "I17", f"{each['id']} without an intent row")


async def _ledger(books: Books, case: Case) -> None:
    """I20, I21: sums to zero, one entry per effect, and equal to Stripe's books to the cent."""
    entries = await LedgerEntry.filter(case_id=case.id)
    require(sum(each.amount_minor for each in entries) == 0, "I20", "the ledger does not balance")
    ours = sum(each.amount_minor for each in entries if each.book == "stripe:balance")
    ids = {
        str(each["id"])
        for each in [*books.refunds(), *books.intents()]
        if each["metadata"].get("case") == case.ref
    }  # type: ignore[attr-defined]
    charges = {str(each["latest_charge"]) for each in books.intents() if str(each["id"]) in ids}
    theirs = sum(
        row.amount_minor
        for row in books.world.ledger()
        if (row.object_id in ids or row.object_id in charges)
        and row.kind in ("refund", "charge", "refund_failure")
    )
    require(ours == theirs, "I21", f"our books say {ours}, Stripe's {theirs}")


async def _chain(case: Case) -> None:
    """I26, I27: every change of state is in an unbroken chain."""
    previous, status = GENESIS, ""
    for row in await TimelineEntry.filter(case_id=case.id).order_by("seq"):
        require(
            row.prev_hash == previous and row.hash == chain_hash(row), "I27", f"broken at {row.seq}"
        )
        require(
            row.commitment == commitment(str(row.salt), row.actor_name, row.reason, row.data),
            "I27",
            f"words changed at {row.seq}",
        )
        if row.to_status:
            require(
                not status or row.from_status == status,
                "I26",
                f"{status} became {row.from_status} unseen",
            )
            status = row.to_status
        previous = row.hash
    require(status == case.status, "I26", f"the row says {case.status}, the history {status}")
