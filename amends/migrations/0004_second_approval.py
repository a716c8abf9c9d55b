"""Two approvals over the second limit: the first 'agreed', another's approves; files that wait."""

from tortoise import migrations
from tortoise.migrations import operations as ops

CHECKS = [
    "ALTER TABLE approval DROP CONSTRAINT ck_approval_decision",
    "ALTER TABLE approval ADD CONSTRAINT ck_approval_decision CHECK (decision IN ('agreed','approved','sent_back','declined'))",
    "ALTER TABLE approval DROP CONSTRAINT ck_approval_reason",
    "ALTER TABLE approval ADD CONSTRAINT ck_approval_reason CHECK (decision IN ('agreed','approved') OR reason <> '')",
]
UNIQUE = [
    "CREATE UNIQUE INDEX uq_approval_first ON approval (plan_id) WHERE decision = 'agreed'",
    "CREATE UNIQUE INDEX uq_approval_two_people ON approval (plan_id, approver_id) WHERE decision IN ('agreed','approved')",
]
INDEXES = [
    "CREATE INDEX ix_attachment_checking ON attachment (at) WHERE state = 'checking'",
]
TRIGGERS = [
    """CREATE OR REPLACE FUNCTION approver_is_someone_else() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.decision IN ('agreed','approved') AND EXISTS (
           SELECT 1 FROM plan WHERE plan.id = NEW.plan_id AND
             (plan.prepared_by_id = NEW.approver_id OR plan.digest <> NEW.digest
              OR plan.case_id <> NEW.case_id OR plan.voided_at IS NOT NULL))
         THEN RAISE EXCEPTION 'the approver must be someone else, for exactly this plan' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
]


async def forward(apps, editor):
    for sql in [*CHECKS, *UNIQUE, *INDEXES, *TRIGGERS]:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_records")]
    initial = False
    operations = [ops.RunPython(forward)]
