"""Approved plans drawn for a second look; the draw stands, and nobody with a part in it decides."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

CHECKS = [
    "ALTER TABLE second_review ADD CONSTRAINT ck_second_review_decision CHECK (decision IN ('', 'confirmed', 'objected'))",
    "ALTER TABLE second_review ADD CONSTRAINT ck_second_review_decided CHECK ((decision = '') = (decided_at IS NULL) AND (decision = '') = (reviewer_id IS NULL))",
    "ALTER TABLE second_review ADD CONSTRAINT ck_second_review_reason CHECK (decision <> 'objected' OR reason <> '')",
]
INDEXES = [
    "CREATE INDEX ix_second_review_open ON second_review (drawn_at) WHERE decision = ''",
    "CREATE INDEX ix_second_review_case ON second_review (case_id)",
]
FUNCTIONS = [
    """CREATE FUNCTION second_review_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.plan_id, OLD.case_id, OLD.digest, OLD.percent, OLD.key, OLD.drawn_at)
           IS DISTINCT FROM (NEW.plan_id, NEW.case_id, NEW.digest, NEW.percent, NEW.key, NEW.drawn_at)
         THEN RAISE EXCEPTION 'a draw is immutable' USING ERRCODE = '23514'; END IF;
         IF OLD.decision <> '' AND (NEW.reason <> 'erased' OR
             (to_jsonb(OLD) - 'reason') IS DISTINCT FROM (to_jsonb(NEW) - 'reason'))
         THEN RAISE EXCEPTION 'a review is decided once' USING ERRCODE = '23514'; END IF;
         IF NEW.decision <> '' AND (
           EXISTS (SELECT 1 FROM plan WHERE id = NEW.plan_id AND prepared_by_id = NEW.reviewer_id)
           OR EXISTS (SELECT 1 FROM approval WHERE plan_id = NEW.plan_id AND approver_id = NEW.reviewer_id))
         THEN RAISE EXCEPTION 'the reviewer must be someone else' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
]
TRIGGERS = [
    "CREATE TRIGGER second_review_guard BEFORE UPDATE OR DELETE ON second_review FOR EACH ROW EXECUTE FUNCTION second_review_guard()",
]


async def forward(apps, editor):
    for sql in [*CHECKS, *INDEXES, *FUNCTIONS, *TRIGGERS]:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0006_marks"), ("models", "0007_erasure")]
    initial = False
    operations = [
        ops.CreateModel(
            name="SecondReview",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("plan", fields.OneToOneField("models.Plan", source_field="plan_id", db_constraint=True, to_field="id", related_name="second_review", on_delete=OnDelete.RESTRICT)),
                ("case", fields.ForeignKeyField("models.Case", source_field="case_id", db_constraint=True, to_field="id", related_name="second_reviews", on_delete=OnDelete.RESTRICT)),
                ("digest", fields.CharField(max_length=64)),
                ("percent", fields.IntField()),
                ("key", fields.CharField(max_length=12)),
                ("drawn_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("decision", fields.CharField(default="", max_length=12)),
                ("reviewer", fields.ForeignKeyField("models.Person", source_field="reviewer_id", null=True, db_constraint=True, to_field="id", related_name="second_reviews", on_delete=OnDelete.RESTRICT)),
                ("reason", fields.TextField(default="", unique=False)),
                ("decided_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={"table": "second_review", "app": "models", "pk_attr": "id", "table_description": "A plan that was drawn. `key` names the secret key of the draw, so that it can be repeated."},
            bases=["Model"],
        ),
        ops.RunPython(forward),
    ]
