"""What our rows must say at the end: who approved what, when it was sent, what became of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import connections

from amends.models import (
    Approval,
    Attempt,
    Case,
    ChargeClaim,
    Document,
    Leg,
    MailItem,
    Plan,
    TimelineEntry,
)
from amends.rules import sending, workflow
from amends.rules.people import Role
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from tests.simulate import invariants
from tests.simulate.invariants import require
from tests.simulate.scene import Scene

# Every change of a leg's state, kept by the database itself.
PREPARE = """
CREATE TABLE IF NOT EXISTS simulated_step (
  id bigserial PRIMARY KEY, case_id bigint, leg uuid, kind text, old text, new text);
CREATE OR REPLACE FUNCTION simulated_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO simulated_step (case_id, leg, kind, old, new)
  VALUES (NEW.case_id, NEW.id, NEW.kind, OLD.state, NEW.state);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER simulated_step AFTER UPDATE OF state ON leg FOR EACH ROW
WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION simulated_step();
"""
# How far our clock may be set back and forth.
_SKEW = timedelta(seconds=31)
# What was decided may be sent within this time.
_LATEST = _SKEW + timedelta(seconds=sending.SEND_DEADLINE_S)
_MOVES_MONEY = ("refund", "create", "confirm", "credit")
S = LegState
_OVER = frozenset({S.PENDING, S.SUCCEEDED, S.FAILED, S.CANCELED})
_OPEN = _OVER | {S.UNKNOWN, S.NEEDS_ACTION, S.PLANNED, S.SENDING}
_STEPS = {
    S.PLANNED: _OVER | {S.SENDING},
    S.SENDING: _OPEN,
    S.UNKNOWN: _OPEN,
    S.PENDING: _OVER | {S.NEEDS_ACTION, S.SENDING},
    S.NEEDS_ACTION: _OVER | {S.SENDING},
    S.SUCCEEDED: frozenset({S.FAILED}),
    S.FAILED: frozenset[LegState](),
    S.CANCELED: frozenset[LegState](),
}
_LONG_NUMBER = re.compile(r"(?<![0-9a-zA-Z_])[0-9]{13,19}(?![0-9a-zA-Z_])")


async def at_rest(scene: Scene, case: Case) -> bool:
    """Nothing will happen at Stripe any more, and our rows say what Stripe says."""
    if scene.wire.under_way or scene.shop.world.jobs.next_due() is not None:
        return False
    try:
        await invariants.settled(scene.books, case)
    except invariants.Violation:
        return False
    return True


async def at_the_end(scene: Scene, case: Case) -> None:
    plans = {plan.id: plan for plan in await Plan.filter(case_id=case.id)}
    approvals = await Approval.filter(case_id=case.id)
    legs = {str(leg.id): leg for leg in await Leg.filter(case_id=case.id)}
    attempts = await Attempt.filter(leg_id__in=[leg.id for leg in legs.values()])
    sends = _sends(scene, attempts)
    _approvals(plans, approvals)
    for send in sends:
        _sent_under(send, plans[legs[str(send.attempt.leg_id)].plan_id], approvals)
    await _locks_win(case, sends)
    _claims_win(scene, legs, sends)
    _effects(scene, legs, attempts)
    await _steps_forward(case)
    await _told(case)
    _times(case, approvals, attempts)


@dataclass(frozen=True)
class Send:
    """A call that moves money, when it left our process."""

    at: datetime
    attempt: Attempt

    @property
    def name(self) -> str:
        return f"{self.attempt.step} sent at {self.at}"


def _sends(scene: Scene, attempts: list[Attempt]) -> list[Send]:
    """I17: nothing that moves money leaves without a row that says so."""
    known = {each.idempotency_key: each for each in attempts}
    found = []
    for at, key in scene.wire.sends:
        if any(f":{step}:" in key for step in _MOVES_MONEY):
            require(key in known, "I17", f"{key} was sent without an intent")
            found.append(Send(datetime.fromtimestamp(at, UTC), known[key]))
    return found


def _approvals(plans: dict[int, Plan], approvals: list[Approval]) -> None:
    """I7, I8, I11: somebody else, with the right, once."""
    for plan in plans.values():
        mine = [each for each in approvals if each.plan_id == plan.id]
        last = [each for each in mine if each.decision == "approved"]
        require(len(last) <= 1, "I11", f"plan {plan.version} was approved {len(last)} times")
        people = [each.approver_id for each in mine if each.decision in ("agreed", "approved")]
        require(plan.prepared_by_id not in people, "I7", "approved by the preparer")
        require(len(people) == len(set(people)), "I8", "both approvals by one person")
        require(all(each.role == Role.MANAGER for each in last), "I8", "approved without the right")


def _sent_under(send: Send, plan: Plan, approvals: Iterable[Approval]) -> None:
    """I9, I12, I13: each send under a live approval of exactly this plan."""
    approval = next(
        (each for each in approvals if (each.plan_id, each.decision) == (plan.id, "approved")), None
    )
    require(approval is not None, "I10", f"{send.name} without an approval")
    assert approval is not None and approval.expires_at is not None
    require(send.attempt.digest == plan.digest, "I9", f"{send.name} for another plan")
    require(send.at >= approval.at - _SKEW, "I12", f"{send.name} before the approval")
    require(send.at <= approval.expires_at + _LATEST, "I13", f"{send.name} after it expired")
    void = plan.voided_at
    require(void is None or send.at <= void + _LATEST, "I12", f"{send.name} after it was void")


async def _locks_win(case: Case, sends: list[Send]) -> None:
    """I14: nothing is sent while a dispute or a fraud warning is known."""
    rows = await TimelineEntry.filter(case_id=case.id).order_by("seq")
    moves = [(row.at, row.to_status) for row in rows if row.to_status]
    ends = [*[at for at, _ in moves[1:]], datetime.max.replace(tzinfo=UTC)]
    for (start, status), end in zip(moves, ends, strict=True):
        if status in workflow.LOCKED:
            for send in sends:
                require(not start + _LATEST < send.at < end, "I14", f"{send.name} while {status}")


def _claims_win(scene: Scene, legs: dict[str, Leg], sends: list[Send]) -> None:
    """I14: no refund of a charge that was disputed or warned of before it was decided."""
    store = scene.shop.world.store
    claims = [
        (str(doc["charge"]), datetime.fromtimestamp(doc["created"], UTC), str(doc["id"]))
        for name in ("dispute", "radar.early_fraud_warning")
        for doc in store.table(name).oldest_first()
        if doc.get("status", "") not in ("won", "lost", "warning_closed")
    ]
    for send in sends:
        charge = legs[str(send.attempt.leg_id)].charge_id
        for claimed, since, name in claims:
            late = claimed == charge and send.at > since + _LATEST
            require(not late, "I14", f"{send.name}, {name} is of {since}")


def _effects(scene: Scene, legs: dict[str, Leg], attempts: list[Attempt]) -> None:
    """I6, I10, I17: behind each effect an older intent; no effect of ours without a name."""
    first: dict[str, datetime] = {}
    for attempt in attempts:
        leg = str(attempt.leg_id)
        first[leg] = min(first.get(leg, attempt.created_at), attempt.created_at)
    for each in scene.books.refunds():
        if not each["metadata"]:
            require(each["id"] in scene.in_the_dashboard, "I10", f"{each['id']} has no case")
    for each in [*scene.books.refunds(), *scene.books.intents()]:
        metadata = each["metadata"]
        assert isinstance(metadata, dict)
        if metadata.get("leg") in legs:
            made = float(str(each["created"])) + 1 + _SKEW.total_seconds()
            began = first[metadata["leg"]].timestamp()
            require(began <= made, "I17", f"{each['id']} is older than its intent")
    for intent in scene.books.intents():
        _right_card(scene, intent, legs)


def _right_card(scene: Scene, intent: dict[str, object], legs: dict[str, Leg]) -> None:
    leg = legs[intent["metadata"]["leg"]]  # type: ignore[index]
    card = scene.shop.world.store.get("payment_method", str(intent["payment_method"]))
    if intent["status"] == "succeeded":
        assert card is not None
        same = card["card"]["fingerprint"] == leg.card_fingerprint
        require(same, "I6", f"{intent['id']} charged another card")


async def _steps_forward(case: Case) -> None:
    """I19: a leg that is over stays over; only a confirmed refund can fail later."""
    steps = await connections.get("default").execute_query_dict(
        "SELECT kind, old, new FROM simulated_step WHERE case_id = $1 ORDER BY id", [case.id]
    )
    for step in steps:
        allowed = LegState(step["new"]) in _STEPS[LegState(step["old"])]
        late = step["old"] == S.SUCCEEDED and step["kind"] != LegKind.REFUND
        require(allowed and not late, "I19", f"a {step['kind']} went {step['old']} {step['new']}")


async def _told(case: Case) -> None:
    """I16, I22, I25: one live proof per kind, one hold per charge, nobody resolved unheard."""
    current = [each.kind for each in await Document.filter(case_id=case.id, superseded_at=None)]
    require(len(current) == len(set(current)), "I25", f"two proofs stand: {current}")
    mails = [(each.kind, each.outcome) for each in await MailItem.filter(case_id=case.id)]
    require(len(mails) == len(set(mails)), "I25", "a mail was queued twice")
    if case.status is Status.RESOLVED:
        require(bool(current) and bool(mails), "I22", "resolved without proof")
    claims = [
        each.charge_id for each in await ChargeClaim.filter(case_id=case.id, released_at=None)
    ]
    require(len(claims) == len(set(claims)), "I16", "a charge is held twice")


def _times(case: Case, approvals: list[Approval], attempts: list[Attempt]) -> None:
    """I33: created, submitted, approved, sent, settled, in this order."""
    assert case.submitted_at is not None
    require(case.created_at <= case.submitted_at + _SKEW, "I33", "submitted before created")
    for approval in approvals:
        require(case.submitted_at <= approval.at + _SKEW, "I33", "approved before submitted")
    for each in attempts:
        assert each.first_sent_at is not None and each.last_sent_at is not None
        require(each.first_sent_at <= each.last_sent_at + _SKEW, "I33", "sent again before sent")
        if each.settled_at is not None:
            require(each.first_sent_at <= each.settled_at + _SKEW, "I33", "settled before sent")


async def no_card_numbers() -> None:
    """I28: no card number in any column of any table."""
    connection = connections.get("default")
    tables = await connection.execute_query_dict(
        "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'"
    )
    for table in tables:
        rows = await connection.execute_query_dict(
            f"SELECT t::text AS line FROM {table['name']} AS t"
        )
        found = [
            number
            for row in rows
            for number in _LONG_NUMBER.findall(row["line"])
            if _passes_luhn(number)
        ]
        lines = [row["line"] for row in rows if any(number in row["line"] for number in found)]
        require(not found, "I28", f"{table['name']} holds {found[:3]}: {lines[:3]}")


def _passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
