"""The statements that copy prototypes: one INSERT a table, its columns read from the database."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import psycopg

_BASE = 1_000_000  # prototypes have smaller numbers
_ROWS = 40  # of one table on one case, at the most
_FAR = "b.at + (p.{column} - p.origin_at)"

# What a copy has of its own. `k` is its number, `r` the row's place among those of its prototype.
_CASE = f"{_BASE} + k"
_CHARGE = "'ch_b' || k || 'x' || {place}"
TABLES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "case_": {
            "id": _CASE,
            "ref": "'BN-' || k",
            "account_id": f"{_BASE} + b.account",
            "order_id": _CASE,
            "deposit_ids": "'[]'::jsonb",
            "claimed_order": "'BO-' || k",
            "claimed_last4": "lpad((k * 7919 % 10000)::text, 4, '0')",
            "contact_name": "'Pat ' || initcap(split_part((SELECT body FROM sentence WHERE "
            "n = k * 31 % 20000), ' ', 2))",
            "contact_email": "'billing' || b.account || '@bench.example'",
            "owner_id": "CASE WHEN p.owner_id IS NOT NULL "
            "THEN (SELECT min(id) FROM person) + k % 10 END",
            "story": "(SELECT body FROM sentence WHERE n = k * 17 % 20000)",
            "card_payment_method_id": "'pm_b' || k",
            "card_fingerprint": "'fp_b' || k",
            "setup_session_id": "NULL",
            "due_at": "CASE WHEN p.due_at IS NOT NULL THEN now() + (k % 977 - 100) * "
            "interval '10 minutes' END",
            "next_check_at": "NULL",
        },
        "deposit": {
            "id": f"{_BASE} + k * {_ROWS} + r",
            "order_id": _CASE,
            "charge_id": _CHARGE.format(place="r"),
            "payment_intent_id": "'pi_b' || k || 'x' || r",
            "card_fingerprint": "'fp_d' || (k * 31 + r) % 700000",
            "card_last4": "lpad(((k * 31 + r * 7) % 10000)::text, 4, '0')",
        },
        "timeline": {"hash": "md5('h' || k || '-' || r) || md5(r || '-' || k)"},
        "plan": {},
        "leg": {
            "id": "md5('leg' || k || '-' || r)::uuid",
            "plan_id": f"{_BASE} + k * {_ROWS} + 1",
            "charge_id": f"CASE WHEN p.charge_id <> '' THEN {_CHARGE.format(place='p.position')} "
            "ELSE '' END",
            "payment_intent_id": "CASE WHEN p.payment_intent_id <> '' THEN 'pi_b' || k || 'x' || "
            "p.position ELSE '' END",
            "result_charge_id": "CASE WHEN p.result_charge_id <> '' THEN 'ch_r' || k ELSE '' END",
            "stripe_id": "CASE WHEN p.stripe_id IS NOT NULL THEN left(p.stripe_id, 3) || 'b' || k "
            "|| 'x' || r END",
            "card_last4": "lpad(((k * 31 + r * 7) % 10000)::text, 4, '0')",
        },
        "approval": {"plan_id": f"{_BASE} + k * {_ROWS} + 1"},
        "identity_check": {"on_file": "CASE p.fact WHEN 'billing_email' THEN 'billing' || b.account"
                           " || '@bench.example' WHEN 'tenant_id' THEN 'bn-' || b.account WHEN "
                           "'organisation' THEN (SELECT organisation FROM account a WHERE a.id = "
                           f"{_BASE} + b.account) ELSE p.on_file END"},
        "charge_claim": {"charge_id": _CHARGE.format(place="r")},
        "document": {"id": "md5('doc' || k || '-' || r)::uuid"},
        "stripe_reading": {},
        "ledger": {"leg_id": "NULL", "entry_id": "md5('entry' || k || '-' || p.entry_id)::uuid",
                   "stripe_id": "left(p.stripe_id, 3) || 'b' || k || 'x' || r"},
        "attempt": {"id": "md5('try' || k || '-' || r)::uuid", "idempotency_key": "k || '-' || r",
                    "leg_id": "md5('leg' || k || '-' || p.leg_position)::uuid"},
    }
)  # fmt: skip
_ACCOUNTS = f"""
INSERT INTO account (id, tenant_id, organisation, contact_name, billing_email, stripe_customer_id,
  flag_reason, created_at)
SELECT {_BASE} + j, 'bn-' || j, initcap(split_part(s.body, ' ', 3)) || ' ' ||
  initcap(split_part(s.body, ' ', 4)) || ' ' || (ARRAY['LLC','Gym','Studio','Fitness'])[1 + j % 4],
  'Pat ' || initcap(split_part(s.body, ' ', 2)), 'billing' || j || '@bench.example', 'cus_b' || j,
  '', now() - interval '900 days'
FROM (SELECT DISTINCT account AS j FROM bench_copy) a
JOIN sentence s ON s.n = (j * 37) % 20000"""
_ORDERS = f"""
INSERT INTO order_ (id, number, account_id, description, total_minor, currency, placed_on, carrier,
  subscription_status, renewal_rule, unpaid_hold, created_at)
SELECT {_CASE}, 'BO-' || k, {_BASE} + account, 'Body scanner', 200000, 'usd', at::date - 90,
  'Freight Co', 'active', '', false, at - interval '90 days' FROM bench_copy"""
_MESSAGES = f"""
INSERT INTO message (id, case_id, author_kind, author_id, author_name, audience, body, verified, at)
SELECT {_BASE} + k * {_ROWS} + r, {_CASE}, CASE r WHEN 2 THEN 'staff' ELSE 'customer' END,
  CASE r WHEN 2 THEN 'staff:1' ELSE 'account:' || {_BASE} + account END,
  CASE r WHEN 2 THEN 'Sam Ito' ELSE 'Priya Raman' END, 'customer',
  concat_ws(' ', one.body, two.body, three.body), true, at + r * interval '5 hours'
FROM bench_copy CROSS JOIN generate_series(1, 3) r
JOIN sentence one ON one.n = (k * 13 + r * 7) % 20000
JOIN sentence two ON two.n = (k * 7 + r * 911) % 20000
JOIN sentence three ON three.n = (k * 3 + r * 5) % 20000"""
_EXCEPTIONS = f"""
INSERT INTO exception_item (kind, key, case_id, stripe_id, detail, opened_at, resolved_at,
  resolved_by, resolution)
SELECT 'foreign_refund', 'bench-' || k, {_CASE}, 're_x' || k, '', at,
  CASE WHEN k % 5000 <> 0 THEN at END, '', '' FROM bench_copy WHERE k % 100 = 0"""


# Each account signed in eleven times; one of these still counts.
_SESSIONS = f"""
INSERT INTO session (token_hash, door, account_id, email, auth_time, created_at, last_seen_at,
  expires_at, ended_at, user_agent, address)
SELECT md5('s' || a.id || '-' || n) || md5(n || '-' || a.id), 'portal', a.id, a.billing_email,
  at, at, at, at + interval '12 hours', CASE WHEN n > 0 THEN at END, 'Mozilla/5.0', '192.0.2.1'
FROM account a CROSS JOIN generate_series(0, 10) n
CROSS JOIN LATERAL (SELECT now() - n * interval '20 days' AS at) t WHERE a.id > {_BASE}"""
# A file on every second case: a picture of the card, a letter of the bank.
_FILES = f"""
INSERT INTO attachment (id, case_id, name, content_type, size, sha256, store_key, audience, state,
  uploaded_by, at)
SELECT md5('file' || k)::uuid, {_CASE}, 'letter.pdf', 'application/pdf', 48000,
  md5('f' || k) || md5(k || 'f'), 'files/' || md5(k || 'key'), 'customer', 'clean',
  'account:' || {_BASE} + account, at FROM bench_copy WHERE k % 2 = 0"""
# What one case brings of mails and of events by Stripe, all of them seen to.
_MAILS = f"""
INSERT INTO mail (id, case_id, kind, outcome, recipient, context, document_ids, message_id, state,
  tries, error, created_at, sent_at)
SELECT md5('mail' || k)::uuid, {_CASE}, 'request_received', '', 'billing' || account ||
  '@bench.example', jsonb_build_object('story', s.body), '[]', 'm' || k || '@bench.example', 'sent',
  1, '', at, at FROM bench_copy JOIN sentence s ON s.n = k % 20000"""
_EVENTS = """
INSERT INTO webhook_event (id, type, object_id, related, created_at, received_at, source, done_at,
  outcome, tries)
SELECT 'evt_b' || k || 'x' || n, 'refund.updated', 're_b' || k || 'x' || n, '{}', at, at, 'webhook',
  at, 'looked', 1 FROM bench_copy CROSS JOIN generate_series(1, 2) n"""
_OWN = MappingProxyType(
    {
        "order_": _ORDERS, "message": _MESSAGES, "exception_item": _EXCEPTIONS,
        "session": _SESSIONS, "attachment": _FILES, "mail": _MAILS, "webhook_event": _EVENTS,
    }
)  # fmt: skip
# Those that grow with cases, by what copying and indexing them costs, so that the last to end are
# the small ones.
TABLES_FILLED = (
    "message", "timeline", "attempt", "leg", "case_", "document", "ledger", "deposit", "plan",
    "identity_check", "charge_claim", "approval", "stripe_reading", "order_", "exception_item",
    "account", "session", "attachment", "mail", "webhook_event",
)  # fmt: skip


def parents() -> tuple[str, ...]:
    """Accounts first: others are told from them."""
    return (_ACCOUNTS,)


def statements(connection: psycopg.Connection) -> Iterator[tuple[str, str]]:
    """A table and how it is copied. In any order: foreign keys are not looked at meanwhile."""
    yield from _OWN.items()
    for table, own in TABLES.items():
        yield table, _copy(connection, table, own)


def others(connection: psycopg.Connection) -> list[str]:
    """Tables that stay small."""
    rows = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s)",
        ([*TABLES_FILLED],),
    ).fetchall()
    return [row[0] for row in rows]


def _copy(connection: psycopg.Connection, table: str, own: Mapping[str, str]) -> str:
    kinds = _columns(connection, table)
    values = [own.get(name) or _usual(name, kind, kinds) for name, kind in kinds.items()]
    names = ", ".join(f'"{name}"' for name in kinds)
    return (
        f"WITH p AS MATERIALIZED ({_prototypes(table)}) INSERT INTO {table} ({names}) "
        f"SELECT {', '.join(values)} FROM bench_copy b JOIN p ON p.origin_id = b.case_id"
    )


def _columns(connection: psycopg.Connection, table: str) -> dict[str, str]:
    rows = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' "
        "ORDER BY ordinal_position", (table,),
    ).fetchall()  # fmt: skip
    return {name: kind for name, kind in rows}


def _usual(name: str, kind: str, kinds: Mapping[str, str]) -> str:
    """Rows of a case are numbered within it; times keep their distance from its beginning."""
    if name == "id":
        return f"{_BASE} + k * {_ROWS} + r"
    if name == "case_id":
        return _CASE
    return _FAR.format(column=f'"{name}"') if kind.startswith("timestamp") else f'p."{name}"'


def _prototypes(table: str) -> str:
    """The prototypes' rows, each with its place `r` and the beginning of its case.

    Read once: found again for each copy, they would be looked for in a table that grows meanwhile.
    """
    case = {"case_": "t.id", "deposit": "c.id", "attempt": "leg.case_id"}.get(table, "t.case_id")
    joined = {
        "deposit": "JOIN case_ c ON c.order_id = t.order_id",
        "attempt": "JOIN leg ON leg.id = t.leg_id JOIN case_ c ON c.id = leg.case_id",
    }.get(table, f"JOIN case_ c ON c.id = {case}")
    more = ", leg.position AS leg_position" if table == "attempt" else ""
    key = "t.case_id" if table == "stripe_reading" else "t.id"
    return (
        f"SELECT t.*, {case} AS origin_id, c.created_at AS origin_at{more}, row_number() OVER "
        f"(PARTITION BY {case} ORDER BY {_order(table, key)}) AS r FROM {table} t {joined} "
        f"WHERE {case} < {_BASE}"
    )


def _order(table: str, key: str) -> str:
    return {"leg": "t.position", "timeline": "t.seq", "deposit": "t.position"}.get(table, key)


def sequences(connection: psycopg.Connection) -> Iterator[str]:
    """The next number is after the copies'."""
    for (table,) in connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND column_name = 'id' AND data_type = 'bigint' AND table_name NOT LIKE 'procrastinate%'"
    ).fetchall():
        yield (
            f"SELECT setval(pg_get_serial_sequence('\"{table}\"', 'id'), "
            f'(SELECT coalesce(max(id), 1) FROM "{table}"))'
        )
