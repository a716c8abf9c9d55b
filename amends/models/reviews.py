"""Approved plans that were drawn for a second look after the fact."""

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person
from amends.models.cases import Case
from amends.models.money import Plan


class SecondReview(Model):
    """A plan that was drawn. `key` names the secret key of the draw, so that it can be repeated."""

    id = fields.BigIntField(primary_key=True)
    plan_id: int
    plan: fields.OneToOneRelation[Plan] = fields.OneToOneField(
        "models.Plan", related_name="second_review", on_delete=fields.RESTRICT
    )
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="second_reviews", on_delete=fields.RESTRICT
    )
    digest = fields.CharField(64)
    percent = fields.IntField()
    key = fields.CharField(12)
    drawn_at = fields.DatetimeField()
    decision = fields.CharField(12, default="")
    reviewer_id: int | None
    reviewer: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="second_reviews", null=True, on_delete=fields.RESTRICT
    )
    reason = fields.TextField(default="")
    decided_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "second_review"
