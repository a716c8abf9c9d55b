"""Indexes that keep pages and search as fast with a million cases as with a thousand."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_OPEN = "status NOT IN ('draft','resolved','declined','withdrawn')"
# Views whose cases are few among the open ones; the words are those of queries.staff_views.
_VIEWS = {
    "unassigned": "owner_id IS NULL AND status IN ('submitted','reopened','triage')",
    "manager": "status IN ('proposed','refund_failed_late')",
    "flight": "status IN ('approved','refunding','partly_refunded')",
    "charge": "status IN ('refunded','recharging','needs_authentication','needs_new_card','recharged')",
    "security": "(status = 'locked_fraud' OR reason = 'not_recognised')",
}
INDEXES = [
    *(f"CREATE INDEX ix_case_view_{name} ON case_ (due_at, id) WHERE {_OPEN} AND {which}"
      for name, which in _VIEWS.items()),
    # Search by what a person has in hand.
    "CREATE INDEX ix_case_contact ON case_ (lower(contact_email))",
    "CREATE INDEX ix_case_card_last4 ON case_ (card_last4) WHERE card_last4 <> ''",
    "CREATE INDEX ix_case_method ON case_ (card_payment_method_id) WHERE card_payment_method_id IS NOT NULL",
    "CREATE INDEX ix_order_number ON order_ (upper(number))",
    "CREATE INDEX ix_exception_stripe ON exception_item (stripe_id) WHERE stripe_id <> ''",
    "CREATE INDEX ix_account_names ON account USING gin (to_tsvector('simple', organisation || ' ' || contact_name))",
    # Words, each row with the number of its shelf and of its room: the newest are searched first, so
    # that a common word costs no more than a rare one. amends.search says the same expressions.
    "CREATE INDEX ix_message_words ON message USING gin ((to_tsvector('english', body)"
    " || array_to_tsvector(ARRAY['~' || (id / 1024)::text, '^' || (id / 65536)::text])))",
    "CREATE INDEX ix_case_words ON case_ USING gin ((to_tsvector('english', story)"
    " || array_to_tsvector(ARRAY['~' || (id / 1024)::text, '^' || (id / 65536)::text])))",
    # Has another account used this very card?
    "CREATE INDEX ix_case_fingerprint ON case_ (card_fingerprint) WHERE card_fingerprint <> ''",
    "CREATE INDEX ix_deposit_fingerprint ON deposit (card_fingerprint) WHERE card_fingerprint <> ''",
    # Refunds on their way, those that failed, those that were confirmed last.
    "CREATE INDEX ix_leg_failed ON leg (case_id) WHERE kind = 'refund' AND state = 'failed'",
    "CREATE INDEX ix_leg_confirmed ON leg (confirmed_at) WHERE kind = 'refund' AND state = 'succeeded'",
    # Reports look back some weeks.
    "CREATE INDEX ix_case_submitted ON case_ (submitted_at) WHERE submitted_at IS NOT NULL",
    "CREATE INDEX ix_case_closed ON case_ (closed_at) WHERE closed_at IS NOT NULL",
    "CREATE INDEX ix_approval_at ON approval (at)",
    "CREATE INDEX ix_account_flagged ON account (flagged_at) WHERE flagged_at IS NOT NULL",
    "CREATE INDEX ix_dispute_closed ON bank_dispute (closed_at) WHERE closed_at IS NOT NULL",
]
REPLACED = ["DROP INDEX ix_message_text"]


async def forward(apps, editor):
    for sql in [*INDEXES, *REPLACED]:
        await editor.client.execute_script(sql)


class Migration(migrations.Migration):
    dependencies = [("models", "0004_second_approval")]
    initial = False
    operations = [ops.RunPython(forward)]
