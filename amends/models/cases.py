"""The case and what is written on it."""

import uuid

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person
from amends.models.accounts import Account, Order
from amends.rules.workflow import Kind, Reason, Status


class Case(Model):
    """One written request. `status` changes only through amends.moves."""

    id = fields.BigIntField(primary_key=True)
    ref = fields.CharField(20, unique=True)
    account_id: int
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name="cases", on_delete=fields.RESTRICT
    )
    order_id: int | None
    order: fields.ForeignKeyNullableRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name="cases", null=True, on_delete=fields.RESTRICT
    )
    kind = fields.CharEnumField(Kind, max_length=20, description="kind of case")
    reason = fields.CharEnumField(Reason, max_length=30, null=True, description="why")
    status = fields.CharEnumField(Status, max_length=24, description="state of the case")
    version = fields.IntField(default=1)
    status_before_lock = fields.CharField(24, default="")
    channel = fields.CharField(10, default="portal")
    contact_name = fields.CharField(200, default="")
    contact_email = fields.CharField(254)
    owner_id: int | None
    owner: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="owned", null=True, on_delete=fields.RESTRICT
    )
    owned_since = fields.DatetimeField(null=True)

    # What the customer claims. Text evidence; never the source of an amount that moves.
    answers: dict[str, object] = fields.JSONField(default=dict)
    deposit_ids: list[int] = fields.JSONField(default=list)
    claimed_order = fields.CharField(40, default="")
    claimed_last4 = fields.CharField(4, default="")
    claimed_amount_minor = fields.BigIntField(null=True)
    claimed_charge_date = fields.DateField(null=True)
    currency = fields.CharField(3, default="usd")
    bank_dispute_claimed = fields.BooleanField(default=False)
    story = fields.TextField(default="")

    # The new payment method: what Stripe lets us keep, nothing else.
    setup_session_id = fields.CharField(100, null=True)
    card_payment_method_id = fields.CharField(64, null=True)
    card_brand = fields.CharField(30, default="")
    card_funding = fields.CharField(10, default="")
    card_last4 = fields.CharField(4, default="")
    card_expires = fields.CharField(7, default="")
    card_fingerprint = fields.CharField(64, default="")
    card_saved_at = fields.DatetimeField(null=True)

    outcome_reason = fields.TextField(default="")
    due_at = fields.DatetimeField(null=True)
    next_check_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    submitted_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    watch_until = fields.DatetimeField(null=True)

    class Meta:
        table = "case_"


class Audit(Model):
    """The audit of a cancelled order: sixty business days, a checklist, a named contact."""

    case_id: int
    case: fields.OneToOneRelation[Case] = fields.OneToOneField(
        "models.Case", related_name="audit", primary_key=True, on_delete=fields.RESTRICT
    )
    started_on = fields.DateField()
    ends_on = fields.DateField()
    extended_by = fields.IntField(default=0)
    calendar = fields.CharField(40)
    checklist: dict[str, object] = fields.JSONField(default=dict)
    csm_id: int | None
    csm: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="audits", null=True, on_delete=fields.RESTRICT
    )
    renewals_stopped_at = fields.DatetimeField(null=True)
    progress_mails = fields.IntField(default=0)
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "audit"


class IdentityCheck(Model):
    """One of the three identity facts, with its verdict; the newest row of a fact counts."""

    id = fields.BigIntField(primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="identity_checks", on_delete=fields.RESTRICT
    )
    fact = fields.CharField(20)
    on_file = fields.CharField(254, default="")
    seen = fields.CharField(254, default="")
    verdict = fields.CharField(12)
    reason = fields.TextField(default="")
    by_id: int
    by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="identity_checks", on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()

    class Meta:
        table = "identity_check"


class Message(Model):
    """Something written on a case: by the customer, to the customer, or a note among staff."""

    id = fields.BigIntField(primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="messages", on_delete=fields.RESTRICT
    )
    author_kind = fields.CharField(10)
    author_id = fields.CharField(40)
    author_name = fields.CharField(200)
    audience = fields.CharField(10)
    body = fields.TextField()
    verified = fields.BooleanField(default=True)
    mail_message_id = fields.CharField(255, null=True)
    at = fields.DatetimeField()

    class Meta:
        table = "message"


class Attachment(Model):
    """A file on a case, stored under a random key."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="attachments", on_delete=fields.RESTRICT
    )
    message_id: int | None
    message: fields.ForeignKeyNullableRelation[Message] = fields.ForeignKeyField(
        "models.Message", related_name="attachments", null=True, on_delete=fields.RESTRICT
    )
    name = fields.CharField(120)
    content_type = fields.CharField(80)
    size = fields.IntField()
    sha256 = fields.CharField(64)
    store_key = fields.CharField(120)
    audience = fields.CharField(10, default="customer")
    state = fields.CharField(12, default="clean")
    uploaded_by = fields.CharField(40)
    at = fields.DatetimeField()
    removed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "attachment"


class TimelineEntry(Model):
    """Append-only, hash-chained history of a case; written only by amends.timeline."""

    id = fields.BigIntField(primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="timeline", on_delete=fields.RESTRICT
    )
    seq = fields.IntField()
    action = fields.CharField(40)
    actor_kind = fields.CharField(10)
    actor_id = fields.CharField(40)
    actor_name = fields.CharField(200)
    from_status = fields.CharField(24, default="")
    to_status = fields.CharField(24, default="")
    reason = fields.TextField(default="")
    data: dict[str, object] = fields.JSONField(default=dict)
    # The chain covers the commitment, not the words, so that erasing a person keeps it valid.
    salt = fields.CharField(64, null=True)
    commitment = fields.CharField(64)
    at = fields.DatetimeField()
    prev_hash = fields.CharField(64)
    hash = fields.CharField(64)

    class Meta:
        table = "timeline"
        unique_together = (("case_id", "seq"),)
