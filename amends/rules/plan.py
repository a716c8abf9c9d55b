"""The plan: exact legs, one digest over their canonical form, and what a plan must satisfy."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from amends.rules import remedies
from amends.rules.remedies import Remedy

# A plan that holds a remedy is of the second schema; a worker that knows only the first leaves it.
SCHEMA, SCHEMA_WITH_REMEDY = 1, 2


class LegKind(StrEnum):
    REFUND = "refund"
    RECHARGE = "recharge"
    CREDIT = "credit"
    END_SUBSCRIPTION = "end_subscription"


class LegState(StrEnum):
    """How far a leg got. `unknown` is a state, never an error: Stripe is asked until it knows."""

    PLANNED = "planned"
    SENDING = "sending"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    NEEDS_ACTION = "needs_action"


OVER = frozenset({LegState.SUCCEEDED, LegState.FAILED, LegState.CANCELED})


class Outcome(StrEnum):
    """What a plan does, in one word."""

    REBILL = "rebill"
    REFUND = "refund"
    CANCELLATION = "cancellation"
    CREDIT = "credit"
    RECHARGE = "recharge"


@dataclass(frozen=True)
class PlannedLeg:
    """One movement. Unused fields are empty strings; amounts are minor units, above zero
    (zero only for the end of a subscription). `leg_id` is a random UUID fixed at planning."""

    leg_id: str
    kind: LegKind
    amount_minor: int
    currency: str
    charge_id: str = ""
    payment_intent_id: str = ""
    payment_method_id: str = ""
    customer_id: str = ""
    card_brand: str = ""
    card_funding: str = ""
    card_last4: str = ""
    card_fingerprint: str = ""
    stripe_reason: str = ""
    subscription_id: str = ""
    label: str = ""
    # The paid invoice that a credit note is for; empty for a credit on the balance.
    invoice_id: str = ""

    def packed(self) -> dict[str, Any]:
        """As it is digested: a leg without an invoice reads as before there were any."""
        body = dict(vars(self))
        if not self.invoice_id:
            del body["invoice_id"]
        return body


@dataclass(frozen=True)
class Draft:
    """A plan before it has an id: exactly what is shown, approved and executed."""

    case_ref: str
    version: int
    policy_version: int
    outcome: Outcome
    recipient: str
    legs: tuple[PlannedLeg, ...]
    # Confirmed refund legs of earlier plans that this plan's recharge rests on.
    rests_on: tuple[str, ...] = ()
    remedy: Remedy | None = None

    def canonical(self) -> str:
        """JSON with sorted keys and no spaces: the bytes the digest covers."""
        return json.dumps(
            self._packed(),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=True,
        )

    def _packed(self) -> dict[str, Any]:
        body = {"schema": SCHEMA, **vars(self), "legs": [leg.packed() for leg in self.legs]}
        if self.remedy is None:
            del body["remedy"]
            return body
        return body | {"schema": SCHEMA_WITH_REMEDY, "remedy": self.remedy.packed()}

    def digest(self) -> str:
        return digest_of(self.canonical())

    def refunds(self) -> tuple[PlannedLeg, ...]:
        return tuple(leg for leg in self.legs if leg.kind is LegKind.REFUND)

    def credits(self) -> tuple[PlannedLeg, ...]:
        return tuple(leg for leg in self.legs if leg.kind is LegKind.CREDIT)

    def recharge(self) -> PlannedLeg | None:
        return next((leg for leg in self.legs if leg.kind is LegKind.RECHARGE), None)


def digest_of(canonical: str) -> str:
    return hashlib.sha256(canonical.encode()).hexdigest()


def read(canonical: str) -> Draft:
    """The plan that `canonical` describes. Raises ValueError on a schema it does not know."""
    body = json.loads(canonical)
    expected = SCHEMA_WITH_REMEDY if "remedy" in body else SCHEMA
    if body.pop("schema", None) != expected:
        raise ValueError(_OTHER_VERSION)
    try:
        return _read(body)
    except (TypeError, KeyError) as error:
        raise ValueError(_OTHER_VERSION) from error


_OTHER_VERSION = "This plan was written by another version; it is not executed."


def _read(body: dict[str, Any]) -> Draft:
    legs = tuple(PlannedLeg(**{**leg, "kind": LegKind(leg["kind"])}) for leg in body.pop("legs"))
    body |= {"outcome": Outcome(body["outcome"]), "rests_on": tuple(body["rests_on"])}
    remedy = body.pop("remedy", None)
    return Draft(**body, legs=legs, remedy=remedies.unpack(remedy) if remedy else None)


def problems(plan: Draft) -> list[str]:
    """What is wrong with the plan in itself; empty when it can be proposed."""
    found = [*_leg_problems(plan), *_recharge_problems(plan), *_credit_problems(plan)]
    if plan.remedy is not None:
        found += remedies.problems(plan.remedy)
    if not plan.legs and not (plan.remedy and plan.remedy.way in remedies.WITHOUT_LEGS):
        found.append("The plan moves nothing. Add at least one refund, charge or credit.")
    if len({leg.currency for leg in plan.legs if leg.currency}) > 1:
        found.append("The plan mixes currencies. Make one plan per currency.")
    return found


def _leg_problems(plan: Draft) -> list[str]:
    found = []
    for leg in plan.legs:
        if leg.kind is not LegKind.END_SUBSCRIPTION and leg.amount_minor <= 0:
            found.append(f"{leg.label or leg.kind}: the amount must be above zero.")
        if leg.kind is LegKind.REFUND and not leg.charge_id:
            found.append(f"{leg.label}: a refund needs the charge it pays back.")
    charges = [leg.charge_id for leg in plan.refunds()]
    if len(charges) != len(set(charges)):
        found.append("A charge is refunded twice in one plan. Use one leg per charge.")
    return found


def _credit_problems(plan: Draft) -> list[str]:
    given = plan.credits()
    if given and len(plan.legs) > 1:
        return ["A credit is a plan of its own."]
    if any(not leg.customer_id for leg in given):
        return ["A credit needs the Stripe customer. Pick it first."]
    return []


def _recharge_problems(plan: Draft) -> list[str]:
    recharges = [leg for leg in plan.legs if leg.kind is LegKind.RECHARGE]
    if len(recharges) > 1:
        return ["A plan charges the new card once."]
    if recharges and not recharges[0].payment_method_id:
        return ["The new card is not saved yet. Ask the customer to add it."]
    if recharges and plan.legs[-1] is not recharges[0]:
        return ["The new card is charged last."]
    return []
