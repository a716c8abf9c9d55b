"""What the desk puts on a case for itself: labels, and a day until which it is set aside."""

from datetime import datetime

from tortoise import fields
from tortoise.models import Model

from amends.models.cases import Case


class CaseMark(Model):
    """Labels, and since when a case sleeps. Any change of the case wakes it: see `snoozed_at`."""

    case_id: int
    case: fields.OneToOneRelation[Case] = fields.OneToOneField(
        "models.Case", related_name="mark", primary_key=True, on_delete=fields.RESTRICT
    )
    labels: list[str] = fields.JSONField(default=list)
    snoozed_until: datetime | None = fields.DatetimeField(null=True)
    # The case's version when it was set aside; with another one it is awake.
    snoozed_at = fields.IntField(default=0)

    class Meta:
        table = "case_mark"
