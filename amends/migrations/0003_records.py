"""Who of the staff looked at what, and whom was erased; both only grow."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

CHECKS = [
    "ALTER TABLE read_log ADD CONSTRAINT ck_read_log_what CHECK (what IN ('read','export','search'))",
    "ALTER TABLE erasure ADD CONSTRAINT ck_erasure_reason CHECK (reason <> '')",
]
INDEXES = [
    "CREATE INDEX ix_read_log_person ON read_log (person_id, at DESC)",
    "CREATE INDEX ix_read_log_subject ON read_log (subject) WHERE subject <> ''",
]
TRIGGERS = [
    # Reads are forgotten when their time is over, never changed.
    "CREATE TRIGGER read_log_append_only BEFORE UPDATE ON read_log FOR EACH ROW EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER erasure_append_only BEFORE UPDATE OR DELETE ON erasure FOR EACH ROW EXECUTE FUNCTION append_only()",
    "CREATE TRIGGER erasure_no_truncate BEFORE TRUNCATE ON erasure FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
]


async def forward(apps, editor):
    for sql in [*CHECKS, *INDEXES, *TRIGGERS]:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0002_guards")]
    initial = False
    operations = [
        ops.CreateModel(
            name="Erasure",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("account_id", fields.BigIntField(null=True)),
                ("address_key", fields.CharField(max_length=16)),
                ("address_mac", fields.CharField(max_length=64)),
                ("cases", fields.IntField()),
                ("files", fields.IntField()),
                ("entries", fields.IntField()),
                ("by", fields.CharField(max_length=200)),
                ("reason", fields.TextField(unique=False)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "erasure",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A customer's personal data was taken out. The address is kept as a keyed hash only.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ReadEntry",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                (
                    "person",
                    fields.ForeignKeyField(
                        "models.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="reads",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("what", fields.CharField(max_length=20)),
                ("subject", fields.CharField(default="", max_length=80)),
                ("page", fields.CharField(max_length=60)),
                ("address", fields.CharField(default="", max_length=64)),
                ("reference", fields.CharField(default="", max_length=16)),
                ("at", fields.DatetimeField(db_index=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "read_log",
                "app": "models",
                "pk_attr": "id",
                "table_description": "A member of staff opened something that tells of a customer, or took a copy of it.",
            },
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
