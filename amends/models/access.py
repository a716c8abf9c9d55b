"""Who may come in: people of the staff, sessions, one-time codes, rate limits."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from amends.models.accounts import Account


class Person(Model):
    """A member of staff, known by issuer and subject of the identity provider."""

    id = fields.BigIntField(primary_key=True)
    issuer = fields.CharField(255)
    subject = fields.CharField(255)
    email = fields.CharField(254)
    name = fields.CharField(200)
    roles: list[str] = fields.JSONField(default=list)
    active = fields.BooleanField(default=True)
    shortcuts = fields.BooleanField(default=True)
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField(null=True)

    class Meta:
        table = "person"
        unique_together = (("issuer", "subject"),)


class Session(Model):
    """A server-side session. Only the SHA-256 of the cookie's token is kept."""

    id = fields.BigIntField(primary_key=True)
    token_hash = fields.CharField(64, unique=True)
    door = fields.CharField(10)
    account_id: int | None
    account: fields.ForeignKeyNullableRelation["Account"] = fields.ForeignKeyField(
        "models.Account", related_name="sessions", null=True, on_delete=fields.RESTRICT
    )
    person_id: int | None
    person: fields.ForeignKeyNullableRelation[Person] = fields.ForeignKeyField(
        "models.Person", related_name="sessions", null=True, on_delete=fields.RESTRICT
    )
    email = fields.CharField(254)
    idp_sid = fields.CharField(255, null=True)
    id_token = fields.TextField(null=True)
    auth_time = fields.DatetimeField()
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    user_agent = fields.CharField(200, default="")
    address = fields.CharField(64, default="")

    class Meta:
        table = "session"


class SignInCode(Model):
    """A mailed one-time code, bound to the browser that asked for it."""

    id = fields.BigIntField(primary_key=True)
    email = fields.CharField(254, db_index=True)
    code_hash = fields.CharField(128)
    salt = fields.CharField(64)
    browser_hash = fields.CharField(64, db_index=True)
    tries = fields.IntField(default=0)
    used_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()

    class Meta:
        table = "sign_in_code"


class RateLimit(Model):
    """A fixed-window counter shared by all processes."""

    key = fields.CharField(200, primary_key=True)
    window_start = fields.BigIntField()
    hits = fields.IntField(default=0)

    class Meta:
        table = "rate_limit"
