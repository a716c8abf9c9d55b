"""What goes out and comes in: mails, documents, webhook events, exceptions."""

import uuid

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person
from amends.models.cases import Case


class MailItem(Model):
    """A mail to be sent at least once; `message_id` is fixed so repeats are recognised."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    case_id: int | None
    case: fields.ForeignKeyNullableRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="mails", null=True, on_delete=fields.RESTRICT
    )
    kind = fields.CharField(40)
    outcome = fields.CharField(80)
    recipient = fields.CharField(254)
    context: dict[str, object] = fields.JSONField(default=dict)
    document_ids: list[str] = fields.JSONField(default=list)
    message_id = fields.CharField(255, unique=True)
    state = fields.CharField(12, default="queued")
    tries = fields.IntField(default=0)
    next_try_at = fields.DatetimeField(null=True)
    error = fields.TextField(default="")
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)

    class Meta:
        table = "mail"
        unique_together = (("case_id", "kind", "outcome"),)


class Document(Model):
    """A PDF for the customer and the facts it was made from."""

    id = fields.UUIDField(primary_key=True, default=uuid.uuid4)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="documents", on_delete=fields.RESTRICT
    )
    kind = fields.CharField(30)
    outcome = fields.CharField(80)
    facts: dict[str, object] = fields.JSONField(default=dict)
    state = fields.CharField(12, default="queued")
    store_key = fields.CharField(120, default="")
    sha256 = fields.CharField(64, default="")
    created_at = fields.DatetimeField()
    made_at = fields.DatetimeField(null=True)
    superseded_at = fields.DatetimeField(null=True)

    class Meta:
        table = "document"
        unique_together = (("case_id", "kind", "outcome"),)


class WebhookEvent(Model):
    """A Stripe event as received: a hint to look, kept once."""

    id = fields.CharField(80, primary_key=True)
    type = fields.CharField(80)
    object_id = fields.CharField(80, default="")
    related: dict[str, object] = fields.JSONField(default=dict)
    created_at = fields.DatetimeField()
    received_at = fields.DatetimeField()
    source = fields.CharField(10, default="webhook")
    done_at = fields.DatetimeField(null=True)
    outcome = fields.CharField(40, default="")
    tries = fields.IntField(default=0)
    next_try_at = fields.DatetimeField(null=True)

    class Meta:
        table = "webhook_event"


class ExceptionItem(Model):
    """Something a person has to look at, on the exceptions desk."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(40)
    key = fields.CharField(120)
    case_id: int | None
    case: fields.ForeignKeyNullableRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="exceptions", null=True, on_delete=fields.RESTRICT
    )
    stripe_id = fields.CharField(80, default="")
    detail = fields.TextField(default="")
    opened_at = fields.DatetimeField()
    resolved_at = fields.DatetimeField(null=True)
    resolved_by = fields.CharField(200, default="")
    resolution = fields.TextField(default="")

    class Meta:
        table = "exception_item"


class BankDispute(Model):
    """A dispute at Stripe: the bank's process on one charge, and what we do in it.

    `wish` is what a person confirmed and the worker carries out: written before any call, taken
    away when Stripe shows it done. The key columns are those of an attempt.
    """

    id = fields.CharField(64, primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="bank_disputes", on_delete=fields.RESTRICT
    )
    charge_id = fields.CharField(64, db_index=True)
    status = fields.CharField(40)
    reason = fields.CharField(60, default="")
    amount_minor = fields.BigIntField()
    currency = fields.CharField(3)
    opened_at = fields.DatetimeField()
    due_by = fields.DatetimeField(null=True)
    submissions = fields.IntField(default=0)
    reminded_days = fields.IntField(null=True)
    # The evidence that was chosen, its PDF, and that PDF at Stripe.
    evidence: dict[str, object] = fields.JSONField(default=dict)
    document_id = fields.UUIDField(null=True)
    file_id = fields.CharField(64, default="")
    staged_at = fields.DatetimeField(null=True)
    wish = fields.CharField(10, default="")
    wished_by_id: int | None
    wished_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="dispute_wishes", null=True, on_delete=fields.RESTRICT
    )
    wished_at = fields.DatetimeField(null=True)
    key_number = fields.IntField(default=0)
    first_sent_at = fields.DatetimeField(null=True)
    last_sent_at = fields.DatetimeField(null=True)
    error_code = fields.CharField(80, default="")
    error_text = fields.TextField(default="")
    submitted_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)
    read_at = fields.DatetimeField()

    class Meta:
        table = "bank_dispute"


class StripeReading(Model):
    """What Stripe showed for a case when it was last read, for the page and its age."""

    case_id: int
    case: fields.OneToOneRelation[Case] = fields.OneToOneField(
        "models.Case", related_name="reading", primary_key=True, on_delete=fields.RESTRICT
    )
    facts: dict[str, object] = fields.JSONField(default=dict)
    read_at = fields.DatetimeField()

    class Meta:
        table = "stripe_reading"


class WorkerState(Model):
    """Small facts the workers share: restore epoch, catch-up positions, quarantine."""

    key = fields.CharField(40, primary_key=True)
    value: dict[str, object] = fields.JSONField(default=dict)
    at = fields.DatetimeField()

    class Meta:
        table = "worker_state"
