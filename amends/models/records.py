"""The record of what people looked at, and of whom was erased."""

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person


class ReadEntry(Model):
    """A member of staff opened something that tells of a customer, or took a copy of it."""

    id = fields.BigIntField(primary_key=True)
    person_id: int
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="reads", on_delete=fields.RESTRICT
    )
    what = fields.CharField(20)
    subject = fields.CharField(80, default="")
    page = fields.CharField(60)
    address = fields.CharField(64, default="")
    reference = fields.CharField(16, default="")
    at = fields.DatetimeField(db_index=True)

    class Meta:
        table = "read_log"


class Erasure(Model):
    """A customer's personal data was taken out. The address is kept as a keyed hash only."""

    id = fields.BigIntField(primary_key=True)
    account_id = fields.BigIntField(null=True)
    address_key = fields.CharField(16)
    address_mac = fields.CharField(64)
    cases = fields.IntField()
    files = fields.IntField()
    entries = fields.IntField()
    by = fields.CharField(200)
    reason = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "erasure"
