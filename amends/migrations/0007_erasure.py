"""What is immutable may lose a person: words and the address, nothing of the money, by the owner."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FUNCTIONS = [
    # A plan without its recipient and the free words of a remedy; they are all that may change.
    """CREATE FUNCTION plan_without_person(canonical text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
       SELECT (canonical::jsonb - 'recipient') #- '{remedy,how}' #- '{remedy,evidence}' #- '{remedy,told}' $$""",
    """CREATE OR REPLACE FUNCTION plan_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.case_id, OLD.version, OLD.digest,
             OLD.policy_version, OLD.prepared_by_id, OLD.outcome)
           IS DISTINCT FROM (NEW.case_id, NEW.version, NEW.digest,
             NEW.policy_version, NEW.prepared_by_id, NEW.outcome)
           OR (OLD.voided_at IS NOT NULL AND NEW.voided_at IS DISTINCT FROM OLD.voided_at)
         THEN RAISE EXCEPTION 'a plan is immutable' USING ERRCODE = '23514'; END IF;
         IF NEW.canonical IS DISTINCT FROM OLD.canonical AND (
             plan_without_person(NEW.canonical) IS DISTINCT FROM plan_without_person(OLD.canonical)
             OR NEW.canonical::jsonb->>'recipient' IS DISTINCT FROM 'erased')
         THEN RAISE EXCEPTION 'a plan is immutable' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    """CREATE OR REPLACE FUNCTION attempt_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.leg_id, OLD.step, OLD.key_number, OLD.idempotency_key, OLD.digest)
           IS DISTINCT FROM (NEW.leg_id, NEW.step, NEW.key_number, NEW.idempotency_key, NEW.digest)
         THEN RAISE EXCEPTION 'an attempt is immutable' USING ERRCODE = '23514'; END IF;
         IF NEW.params IS DISTINCT FROM OLD.params AND (
             NEW.params::jsonb IS DISTINCT FROM OLD.params::jsonb - 'receipt_email' OR OLD.settled_at IS NULL)
         THEN RAISE EXCEPTION 'an attempt is immutable' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    """CREATE FUNCTION approval_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR NEW.reason <> 'erased' OR
             (to_jsonb(OLD) - 'reason') IS DISTINCT FROM (to_jsonb(NEW) - 'reason')
         THEN RAISE EXCEPTION 'approval is append-only' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "DROP TRIGGER approval_append_only ON approval",
    "CREATE TRIGGER approval_append_only BEFORE UPDATE OR DELETE ON approval FOR EACH ROW EXECUTE FUNCTION approval_guard()",
]


async def forward(apps, editor):
    for sql in FUNCTIONS:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0003_records"), ("models", "0004_second_approval")]
    initial = False
    operations = [ops.RunPython(forward)]
