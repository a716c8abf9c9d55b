"""Labels and snoozing of cases; whether Stripe has followed a new billing address."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

SQL = [
    # What was agreed before this version is not sent after the fact.
    "UPDATE address_change SET followed_at = decided_at WHERE decision = 'agreed'",
    "CREATE INDEX ix_address_change_to_follow ON address_change (id) WHERE decision = 'agreed' AND followed_at IS NULL",
    "CREATE INDEX ix_case_mark_labels ON case_mark USING gin (labels jsonb_path_ops) WHERE labels <> '[]'",
]


async def forward(apps, editor):
    for sql in SQL:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0004_second_approval")]
    initial = False
    operations = [
        ops.CreateModel(
            name="CaseMark",
            fields=[
                (
                    "case",
                    fields.OneToOneField(
                        "models.Case",
                        source_field="case_id",
                        primary_key=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="mark",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("labels", fields.JSONField(default=list)),
                ("snoozed_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("snoozed_at", fields.IntField(default=0)),
            ],
            options={
                "table": "case_mark",
                "app": "models",
                "pk_attr": "case_id",
                "table_description": "Labels, and since when a case sleeps. Any change of the case wakes it: see `snoozed_at`.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="AddressChange",
            name="followed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunPython(forward),
    ]
