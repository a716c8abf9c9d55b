"""What is known of customers before they write: accounts, orders, deposits."""

from tortoise import fields
from tortoise.models import Model


class Account(Model):
    """A customer organisation. `billing_email` is lower case and is the sign-in identity."""

    id = fields.BigIntField(primary_key=True)
    tenant_id = fields.CharField(64, unique=True)
    organisation = fields.CharField(200)
    contact_name = fields.CharField(200, default="")
    billing_email = fields.CharField(254, db_index=True)
    stripe_customer_id = fields.CharField(64, null=True, db_index=True)
    flagged_at = fields.DatetimeField(null=True)
    flag_reason = fields.TextField(default="")
    rebill_hold_until = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "account"


class Order(Model):
    """An order with the dates that decide which terms apply."""

    id = fields.BigIntField(primary_key=True)
    number = fields.CharField(40, unique=True)
    account_id: int
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "models.Account", related_name="orders", on_delete=fields.RESTRICT
    )
    description = fields.CharField(300)
    total_minor = fields.BigIntField()
    currency = fields.CharField(3)
    placed_on = fields.DateField()
    handed_over_on = fields.DateField(null=True)
    delivered_on = fields.DateField(null=True)
    carrier = fields.CharField(80, default="")
    subscription_id = fields.CharField(64, null=True)
    subscription_status = fields.CharField(20, default="")
    subscription_ends_on = fields.DateField(null=True)
    renewal_months = fields.IntField(null=True)
    renewal_rule = fields.CharField(300, default="")
    cancelled_on = fields.DateField(null=True)
    unpaid_hold = fields.BooleanField(default=False)
    created_at = fields.DatetimeField()

    class Meta:
        table = "order_"


class Deposit(Model):
    """One card payment of an order: one Stripe charge."""

    id = fields.BigIntField(primary_key=True)
    order_id: int
    order: fields.ForeignKeyRelation[Order] = fields.ForeignKeyField(
        "models.Order", related_name="deposits", on_delete=fields.RESTRICT
    )
    position = fields.IntField()
    charge_id = fields.CharField(64, unique=True)
    payment_intent_id = fields.CharField(64, default="")
    amount_minor = fields.BigIntField()
    currency = fields.CharField(3)
    charged_on = fields.DateField()
    card_brand = fields.CharField(30, default="")
    card_funding = fields.CharField(10, default="")
    card_last4 = fields.CharField(4, default="")
    card_fingerprint = fields.CharField(64, default="")

    class Meta:
        table = "deposit"
        unique_together = (("order_id", "position"),)
