"""Money: plans, legs, approvals, attempts, the ledger, the policy's history."""

import uuid
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person
from amends.models.cases import Case
from amends.rules.plan import LegKind, LegState


class Plan(Model):
    """An immutable, versioned plan. `canonical` is the exact JSON that `digest` covers."""

    id = fields.BigIntField(primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="plans", on_delete=fields.RESTRICT
    )
    version = fields.IntField()
    digest = fields.CharField(64)
    canonical = fields.TextField()
    policy_version = fields.IntField()
    outcome = fields.CharField(20)
    why = fields.TextField(default="")
    prepared_by_id: int
    prepared_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="plans", on_delete=fields.RESTRICT
    )
    created_at = fields.DatetimeField()
    voided_at = fields.DatetimeField(null=True)
    void_reason = fields.TextField(default="")

    class Meta:
        table = "plan"
        unique_together = (("case_id", "version"),)


class Leg(Model):
    """One movement of a plan and how far it got. `id` is random: keys derive from it."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    plan_id: int
    plan: fields.ForeignKeyRelation[Plan] = fields.ForeignKeyField(
        "models.Plan", related_name="legs", on_delete=fields.RESTRICT
    )
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="legs", on_delete=fields.RESTRICT
    )
    position = fields.IntField()
    kind = fields.CharEnumField(LegKind, max_length=20, description="kind of movement")
    state = fields.CharEnumField(LegState, max_length=12, description="state of the leg")
    amount_minor = fields.BigIntField()
    currency = fields.CharField(3)
    charge_id = fields.CharField(64, default="")
    payment_intent_id = fields.CharField(64, default="")
    payment_method_id = fields.CharField(64, default="")
    customer_id = fields.CharField(64, default="")
    card_brand = fields.CharField(30, default="")
    card_funding = fields.CharField(10, default="")
    card_last4 = fields.CharField(4, default="")
    card_fingerprint = fields.CharField(64, default="")
    stripe_reason = fields.CharField(30, default="")
    subscription_id = fields.CharField(64, default="")
    invoice_id = fields.CharField(64, default="")
    label = fields.CharField(120, default="")
    stripe_id = fields.CharField(64, null=True)
    result_charge_id = fields.CharField(64, default="")
    pending_reason = fields.CharField(40, default="")
    failure = fields.CharField(120, default="")
    next_action_url = fields.TextField(default="")
    bank_reference = fields.CharField(64, default="")
    bank_reference_type = fields.CharField(40, default="")
    next_look_at = fields.DatetimeField(null=True)
    sent_at = fields.DatetimeField(null=True)
    confirmed_at = fields.DatetimeField(null=True)
    failed_at = fields.DatetimeField(null=True)
    watch_until = fields.DatetimeField(null=True)

    class Meta:
        table = "leg"
        unique_together = (("plan_id", "position"),)


class ChargeClaim(Model):
    """A case's hold on a charge: one open case at a time may move a charge's money."""

    id = fields.BigIntField(primary_key=True)
    charge_id = fields.CharField(64)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="charge_claims", on_delete=fields.RESTRICT
    )
    since = fields.DatetimeField()
    released_at = fields.DatetimeField(null=True)

    class Meta:
        table = "charge_claim"


class Approval(Model):
    """A decision on one plan version. Never changed, never deleted."""

    id = fields.BigIntField(primary_key=True)
    plan_id: int
    plan: fields.ForeignKeyRelation[Plan] = fields.ForeignKeyField(
        "models.Plan", related_name="approvals", on_delete=fields.RESTRICT
    )
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="approvals", on_delete=fields.RESTRICT
    )
    decision = fields.CharField(12)
    digest = fields.CharField(64)
    approver_id: int
    approver: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="approvals", on_delete=fields.RESTRICT
    )
    role = fields.CharField(20)
    reason = fields.TextField(default="")
    auth_time = fields.DatetimeField(null=True)
    at = fields.DatetimeField()
    expires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "approval"


class Attempt(Model):
    """An intent to call Stripe for a leg, committed before the call."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    leg_id: UUID
    leg: fields.ForeignKeyRelation[Leg] = fields.ForeignKeyField(
        "models.Leg", related_name="attempts", on_delete=fields.RESTRICT
    )
    step = fields.CharField(20)
    key_number = fields.IntField()
    idempotency_key = fields.CharField(120, unique=True)
    params = fields.TextField()
    digest = fields.CharField(64)
    state = fields.CharField(12)
    sends = fields.IntField(default=0)
    first_sent_at = fields.DatetimeField(null=True)
    last_sent_at = fields.DatetimeField(null=True)
    lookups = fields.IntField(default=0)
    next_lookup_at = fields.DatetimeField(null=True)
    stripe_id = fields.CharField(64, null=True)
    error_code = fields.CharField(80, default="")
    error_text = fields.TextField(default="")
    settled_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "attempt"
        unique_together = (("leg_id", "step", "key_number"),)


class LedgerEntry(Model):
    """Half of a double entry. Append-only; each `entry_id` sums to zero per currency."""

    id = fields.BigIntField(primary_key=True)
    entry_id = fields.UUIDField(db_index=True)
    book = fields.CharField(60)
    amount_minor = fields.BigIntField()
    currency = fields.CharField(3)
    effect = fields.CharField(30)
    case_id: int | None
    case: fields.ForeignKeyNullableRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="ledger", null=True, on_delete=fields.RESTRICT
    )
    leg_id: UUID | None
    leg: fields.ForeignKeyNullableRelation[Leg] = fields.ForeignKeyField(
        "models.Leg", related_name="ledger", null=True, on_delete=fields.RESTRICT
    )
    stripe_id = fields.CharField(64)
    at = fields.DatetimeField()

    class Meta:
        table = "ledger"
        unique_together = (("stripe_id", "effect", "book"),)


class PolicyVersion(Model):
    """The policy's history: limits as data, who changed them and who agreed."""

    id = fields.BigIntField(primary_key=True)
    version = fields.IntField(unique=True)
    rules: dict[str, object] = fields.JSONField(default=dict)
    proposed_by = fields.CharField(200, default="")
    agreed_by = fields.CharField(200, default="")
    reason = fields.TextField(default="")
    at = fields.DatetimeField()

    class Meta:
        table = "policy_version"
