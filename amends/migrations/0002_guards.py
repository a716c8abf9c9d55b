"""Constraints, append-only triggers and partial indexes, by hand: the ORM skips or weakens them."""

from tortoise import migrations
from tortoise.migrations import operations as ops

CHECKS = [
    "ALTER TABLE deposit ADD CONSTRAINT ck_deposit_amount CHECK (amount_minor > 0)",
    "ALTER TABLE order_ ADD CONSTRAINT ck_order_total CHECK (total_minor >= 0)",
    "ALTER TABLE account ADD CONSTRAINT ck_account_email_lower CHECK (billing_email = lower(billing_email))",
    "ALTER TABLE case_ ADD CONSTRAINT ck_case_last4 CHECK (claimed_last4 ~ '^[0-9]{0,4}$' AND card_last4 ~ '^[0-9]{0,4}$')",
    "ALTER TABLE case_ ADD CONSTRAINT ck_case_claim CHECK (claimed_amount_minor IS NULL OR claimed_amount_minor > 0)",
    "ALTER TABLE case_ ADD CONSTRAINT ck_case_submitted CHECK (status IN ('draft','withdrawn') OR submitted_at IS NOT NULL)",
    "ALTER TABLE leg ADD CONSTRAINT ck_leg_amount CHECK (amount_minor > 0 OR (kind = 'end_subscription' AND amount_minor = 0))",
    "ALTER TABLE leg ADD CONSTRAINT ck_leg_refund_has_charge CHECK (kind <> 'refund' OR charge_id <> '')",
    "ALTER TABLE leg ADD CONSTRAINT ck_leg_recharge_has_card CHECK (kind <> 'recharge' OR payment_method_id <> '')",
    "ALTER TABLE leg ADD CONSTRAINT ck_leg_state CHECK (state IN ('planned','sending','pending','succeeded','failed','canceled','unknown','needs_action'))",
    "ALTER TABLE leg ADD CONSTRAINT ck_leg_confirmed CHECK (state <> 'succeeded' OR (stripe_id IS NOT NULL AND confirmed_at IS NOT NULL))",
    "ALTER TABLE approval ADD CONSTRAINT ck_approval_decision CHECK (decision IN ('approved','sent_back','declined'))",
    "ALTER TABLE approval ADD CONSTRAINT ck_approval_reason CHECK (decision = 'approved' OR reason <> '')",
    "ALTER TABLE attempt ADD CONSTRAINT ck_attempt_state CHECK (state IN ('sending','pending','succeeded','failed','canceled','unknown','needs_action'))",
    "ALTER TABLE identity_check ADD CONSTRAINT ck_identity_verdict CHECK (verdict IN ('match','mismatch','unknown','overridden'))",
    "ALTER TABLE identity_check ADD CONSTRAINT ck_identity_override CHECK (verdict <> 'overridden' OR reason <> '')",
    *(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_four_eyes CHECK (decision IN ('','agreed','refused')"
      f" AND (decision <> 'agreed' OR (decided_by_id IS NOT NULL AND decided_by_id <> proposed_by_id)))"
      for table in ("rule_proposal", "address_change")),
    "ALTER TABLE effective_date ADD CONSTRAINT ck_effective_period CHECK (period_end > period_start AND reason <> '')",
    "ALTER TABLE message ADD CONSTRAINT ck_message_audience CHECK (audience IN ('customer','staff'))",
]
UNIQUE = [
    "CREATE UNIQUE INDEX uq_approval_once ON approval (plan_id) WHERE decision = 'approved'",
    "CREATE UNIQUE INDEX uq_attempt_live ON attempt (leg_id, step) WHERE state IN ('sending','unknown')",
    "CREATE UNIQUE INDEX uq_leg_stripe_id ON leg (stripe_id) WHERE stripe_id IS NOT NULL",
    "CREATE UNIQUE INDEX uq_charge_claim_open ON charge_claim (charge_id) WHERE released_at IS NULL",
    "CREATE UNIQUE INDEX uq_exception_open ON exception_item (kind, key) WHERE resolved_at IS NULL",
    "CREATE UNIQUE INDEX uq_rule_proposal_open ON rule_proposal ((1)) WHERE decision = ''",
    "CREATE UNIQUE INDEX uq_address_change_open ON address_change (account_id) WHERE decision = ''",
    "CREATE UNIQUE INDEX uq_plan_live ON plan (case_id) WHERE voided_at IS NULL",
]
INDEXES = [
    "CREATE INDEX ix_case_queue ON case_ (status, due_at, id) WHERE status NOT IN ('draft','resolved','declined','withdrawn')",
    "CREATE INDEX ix_case_owner ON case_ (owner_id, due_at, id) WHERE status NOT IN ('draft','resolved','declined','withdrawn')",
    "CREATE INDEX ix_case_due ON case_ (due_at, id) WHERE status NOT IN ('draft','resolved','declined','withdrawn')",
    "CREATE INDEX ix_case_check ON case_ (next_check_at) WHERE next_check_at IS NOT NULL",
    "CREATE INDEX ix_case_account ON case_ (account_id, id DESC)",
    "CREATE INDEX ix_case_order ON case_ (order_id)",
    "CREATE INDEX ix_case_last4 ON case_ (claimed_last4) WHERE claimed_last4 <> ''",
    "CREATE INDEX ix_order_account ON order_ (account_id, placed_on DESC)",
    "CREATE INDEX ix_leg_case ON leg (case_id)",
    "CREATE INDEX ix_leg_charge ON leg (charge_id) WHERE charge_id <> ''",
    "CREATE INDEX ix_leg_intent ON leg (payment_intent_id) WHERE payment_intent_id <> ''",
    "CREATE INDEX ix_leg_watch ON leg (watch_until) WHERE watch_until IS NOT NULL",
    "CREATE INDEX ix_leg_moving ON leg (state) WHERE state IN ('sending','pending','unknown','needs_action')",
    "CREATE INDEX ix_approval_case ON approval (case_id)",
    "CREATE INDEX ix_identity_case ON identity_check (case_id, fact, id DESC)",
    "CREATE INDEX ix_message_case ON message (case_id, id)",
    "CREATE INDEX ix_message_text ON message USING gin (to_tsvector('english', body))",
    "CREATE INDEX ix_attachment_case ON attachment (case_id)",
    "CREATE INDEX ix_ledger_case ON ledger (case_id)",
    "CREATE INDEX ix_mail_queued ON mail (next_try_at) WHERE state = 'queued'",
    "CREATE INDEX ix_mail_case ON mail (case_id)",
    "CREATE INDEX ix_document_queued ON document (created_at) WHERE state = 'queued'",
    "CREATE INDEX ix_event_open ON webhook_event (received_at) WHERE done_at IS NULL",
    "CREATE INDEX ix_exception_open ON exception_item (opened_at) WHERE resolved_at IS NULL",
    "CREATE INDEX ix_exception_case ON exception_item (case_id)",
    "CREATE INDEX ix_effective_case ON effective_date (case_id, id DESC)",
    "CREATE INDEX ix_session_account ON session (account_id) WHERE ended_at IS NULL",
    "CREATE INDEX ix_session_person ON session (person_id) WHERE ended_at IS NULL",
    "CREATE INDEX ix_message_mail ON message (mail_message_id) WHERE mail_message_id IS NOT NULL",
    "CREATE INDEX ix_case_mail ON case_ ((answers->>'mail')) WHERE channel = 'email'",
    "CREATE INDEX ix_case_draft ON case_ ((answers->>'draft'))",
    "CREATE INDEX ix_exception_key ON exception_item (key)",
    "CREATE INDEX ix_leg_last4 ON leg (card_last4) WHERE card_last4 <> ''",
    "CREATE INDEX ix_deposit_last4 ON deposit (card_last4) WHERE card_last4 <> ''",
    "CREATE INDEX ix_deposit_intent ON deposit (payment_intent_id) WHERE payment_intent_id <> ''",
    "CREATE INDEX ix_leg_result ON leg (result_charge_id) WHERE result_charge_id <> ''",
    "CREATE INDEX ix_attempt_leg ON attempt (leg_id)",
    "CREATE INDEX ix_charge_claim_case ON charge_claim (case_id)",
    "CREATE INDEX ix_bank_dispute_case ON bank_dispute (case_id)",
    "CREATE INDEX ix_bank_dispute_open ON bank_dispute (due_by) WHERE closed_at IS NULL",
]
APPEND_ONLY = ("ledger", "approval", "policy_version")
TRIGGERS = [
    """CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514'; END $$""",
    *(f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
      "FOR EACH ROW EXECUTE FUNCTION append_only()" for table in APPEND_ONLY),
    *(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
      "FOR EACH STATEMENT EXECUTE FUNCTION append_only()" for table in APPEND_ONLY),
    # The timeline only loses words, and only together with their salt: the erasure of a person.
    """CREATE FUNCTION timeline_guard() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR NEW.salt IS NOT NULL OR NEW.reason <> '' OR NEW.data <> '{}'::jsonb
           OR (OLD.id, OLD.case_id, OLD.seq, OLD.action, OLD.actor_kind, OLD.actor_id, OLD.from_status,
             OLD.to_status, OLD.at, OLD.commitment, OLD.prev_hash, OLD.hash)
           IS DISTINCT FROM (NEW.id, NEW.case_id, NEW.seq, NEW.action, NEW.actor_kind, NEW.actor_id,
             NEW.from_status, NEW.to_status, NEW.at, NEW.commitment, NEW.prev_hash, NEW.hash)
         THEN RAISE EXCEPTION 'timeline is append-only' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER timeline_append_only BEFORE UPDATE OR DELETE ON timeline FOR EACH ROW EXECUTE FUNCTION timeline_guard()",
    "CREATE TRIGGER timeline_no_truncate BEFORE TRUNCATE ON timeline FOR EACH STATEMENT EXECUTE FUNCTION append_only()",
    # What was approved is what is executed: the plan's bytes and the legs' money never change.
    """CREATE FUNCTION plan_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.case_id, OLD.version, OLD.digest, OLD.canonical,
             OLD.policy_version, OLD.prepared_by_id, OLD.outcome)
           IS DISTINCT FROM (NEW.case_id, NEW.version, NEW.digest, NEW.canonical,
             NEW.policy_version, NEW.prepared_by_id, NEW.outcome)
           OR (OLD.voided_at IS NOT NULL AND NEW.voided_at IS DISTINCT FROM OLD.voided_at)
         THEN RAISE EXCEPTION 'a plan is immutable' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER plan_frozen BEFORE UPDATE OR DELETE ON plan FOR EACH ROW EXECUTE FUNCTION plan_frozen()",
    """CREATE FUNCTION leg_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.plan_id, OLD.case_id, OLD.position, OLD.kind, OLD.amount_minor,
             OLD.currency, OLD.charge_id, OLD.payment_method_id, OLD.customer_id, OLD.card_fingerprint, OLD.subscription_id, OLD.invoice_id)
           IS DISTINCT FROM (NEW.plan_id, NEW.case_id, NEW.position, NEW.kind, NEW.amount_minor,
             NEW.currency, NEW.charge_id, NEW.payment_method_id, NEW.customer_id, NEW.card_fingerprint, NEW.subscription_id, NEW.invoice_id)
         THEN RAISE EXCEPTION 'the money of a leg is immutable' USING ERRCODE = '23514'; END IF;
         -- Once Stripe's object is known it stays known; a confirmed leg can only fail late.
         IF OLD.stripe_id IS NOT NULL AND NEW.stripe_id IS DISTINCT FROM OLD.stripe_id
         THEN RAISE EXCEPTION 'a leg keeps its Stripe object' USING ERRCODE = '23514'; END IF;
         IF OLD.state = 'succeeded' AND NEW.state NOT IN ('succeeded','failed')
         THEN RAISE EXCEPTION 'a confirmed leg can only fail late' USING ERRCODE = '23514'; END IF;
         IF OLD.state IN ('failed','canceled') AND NEW.state <> OLD.state
         THEN RAISE EXCEPTION 'a failed leg is final' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER leg_frozen BEFORE UPDATE OR DELETE ON leg FOR EACH ROW EXECUTE FUNCTION leg_frozen()",
    """CREATE FUNCTION attempt_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF TG_OP = 'DELETE' OR (OLD.leg_id, OLD.step, OLD.key_number, OLD.idempotency_key, OLD.params, OLD.digest)
           IS DISTINCT FROM (NEW.leg_id, NEW.step, NEW.key_number, NEW.idempotency_key, NEW.params, NEW.digest)
         THEN RAISE EXCEPTION 'an attempt is immutable' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER attempt_frozen BEFORE UPDATE OR DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION attempt_frozen()",
    """CREATE FUNCTION approver_is_someone_else() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.decision = 'approved' AND EXISTS (
           SELECT 1 FROM plan WHERE plan.id = NEW.plan_id AND
             (plan.prepared_by_id = NEW.approver_id OR plan.digest <> NEW.digest
              OR plan.case_id <> NEW.case_id OR plan.voided_at IS NOT NULL))
         THEN RAISE EXCEPTION 'the approver must be someone else, for exactly this plan' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER approver_is_someone_else BEFORE INSERT ON approval FOR EACH ROW EXECUTE FUNCTION approver_is_someone_else()",
    """CREATE FUNCTION fraud_never_rebills() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF NEW.kind = 'recharge' AND EXISTS (SELECT 1 FROM case_ WHERE case_.id = NEW.case_id
             AND case_.reason = 'not_recognised')
         THEN RAISE EXCEPTION 'a card that was not recognised is never re-billed' USING ERRCODE = '23514'; END IF;
         RETURN NEW;
       END $$""",
    "CREATE TRIGGER fraud_never_rebills BEFORE INSERT ON leg FOR EACH ROW EXECUTE FUNCTION fraud_never_rebills()",
    """CREATE FUNCTION ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
       BEGIN
         IF EXISTS (SELECT 1 FROM ledger WHERE entry_id = NEW.entry_id
             GROUP BY currency HAVING sum(amount_minor) <> 0)
         THEN RAISE EXCEPTION 'a ledger entry must sum to zero' USING ERRCODE = '23514'; END IF;
         RETURN NULL;
       END $$""",
    "CREATE CONSTRAINT TRIGGER ledger_balances AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balances()",
]
SEQUENCES = ["CREATE SEQUENCE case_ref_seq START 2401"]


async def forward(apps, editor):
    for sql in [*SEQUENCES, *CHECKS, *UNIQUE, *INDEXES, *TRIGGERS]:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0001_initial")]
    initial = False
    operations = [ops.RunPython(forward)]
