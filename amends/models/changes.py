"""Changes that one person proposes and another agrees to, and dates that staff record."""

from tortoise import fields
from tortoise.models import Model

from amends.models.access import Person
from amends.models.accounts import Account
from amends.models.cases import Case


class RuleProposal(Model):
    """A change of the rules that waits for a second manager, and what became of it."""

    id = fields.BigIntField(primary_key=True)
    base_version = fields.IntField()
    rules: dict[str, object] = fields.JSONField(default=dict)
    reason = fields.TextField()
    proposed_by_id: int
    proposed_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="rule_proposals", on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()
    decision = fields.CharField(12, default="")
    decided_by_id: int | None
    decided_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="rule_decisions", null=True, on_delete=fields.RESTRICT
    )
    decided_at = fields.DatetimeField(null=True)
    note = fields.TextField(default="")

    class Meta:
        table = "rule_proposal"


class AddressChange(Model):
    """Another billing address for an account: it counts once a second person has agreed."""

    id = fields.BigIntField(primary_key=True)
    account_id: int
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name="address_changes", on_delete=fields.RESTRICT
    )
    old_email = fields.CharField(254)
    new_email = fields.CharField(254)
    reason = fields.TextField()
    proposed_by_id: int
    proposed_by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="address_proposals", on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()
    decision = fields.CharField(12, default="")
    decided_by_id: int | None
    decided_by: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="address_decisions", null=True, on_delete=fields.RESTRICT
    )
    decided_at = fields.DatetimeField(null=True)
    note = fields.TextField(default="")
    # When Stripe's customer had the new address, and no page of a bank was open any more.
    followed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "address_change"


class EffectiveDate(Model):
    """When a cancellation took effect, as staff recorded it; a case's newest row counts."""

    id = fields.BigIntField(primary_key=True)
    case_id: int
    case: fields.ForeignKeyRelation[Case] = fields.ForeignKeyField(
        "models.Case", related_name="effective_dates", on_delete=fields.RESTRICT
    )
    effective_on = fields.DateField()
    period_start = fields.DateField()
    period_end = fields.DateField()
    reason = fields.TextField()
    by_id: int
    by: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="effective_dates", on_delete=fields.RESTRICT
    )
    at = fields.DatetimeField()

    class Meta:
        table = "effective_date"
