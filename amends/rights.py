"""What each process may do to each table: one table for the grants, their check and their page."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Process(StrEnum):
    """The four programs that share the database."""

    PORTAL = "portal"
    BACKOFFICE = "backoffice"
    WORKER = "worker"
    INBOX = "inbox"

    @property
    def role(self) -> str:
        """The group whose members have this process's rights."""
        return f"amends_{self.value}"

    @property
    def login(self) -> str:
        """The user that the embedded server makes for it."""
        return f"{self.role}_login"


P, B, W, I = Process  # noqa: E741 - a column each in the table below
_VERBS = ("read", "insert", "update", "delete")
_WORD = re.compile(r"(read|insert|update|delete)(?:\(([a-z0-9_ ]+)\))?\s*")


@dataclass(frozen=True)
class Right:
    """One verb on one table; `columns` empty means all of them."""

    verb: str
    columns: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        name = {"read": "SELECT"}.get(self.verb, self.verb.upper())
        return f"{name} ({', '.join(self.columns)})" if self.columns else name


@dataclass(frozen=True)
class Rows:
    """Which rows a process sees, and which it may write (SQL conditions)."""

    sees: str = "true"
    writes: str = "true"


@dataclass(frozen=True)
class Table:
    """What a table holds, who may do what, and on which rows; a process not named: on all."""

    holds: str
    who: Mapping[Process, str]
    rows: Mapping[Process, Rows] = field(default_factory=dict)

    def rights(self, process: Process) -> tuple[Right, ...]:
        return tuple(_read(self.who.get(process, "")))


def _read(text: str) -> Iterator[Right]:
    """`read update(a b)` as rights. Raises ValueError for anything else."""
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise ValueError(f"not a right: {text[at:]}")
        yield Right(found[1], tuple((found[2] or "").split()))
        at = found.end()


_TELL = "insert read(kind key resolved_at)"
_WAKE = "insert read(queueing_lock status)"
_COUNT = "read insert update"
_QUEUE_MAIL = "insert read(id)"
_DOCUMENTS = "read insert update(superseded_at)"
_PORTAL_CASE = (
    "read insert update(answers bank_dispute_claimed card_brand card_expires card_fingerprint "
    "card_funding card_last4 card_payment_method_id card_saved_at claimed_amount_minor "
    "claimed_charge_date claimed_last4 claimed_order closed_at contact_email contact_name currency "
    "deposit_ids due_at kind next_check_at order_id reason ref setup_session_id status "
    "status_before_lock story submitted_at version)"
)
_DESK_CASE = (
    "read update(answers claimed_order closed_at contact_email deposit_ids due_at next_check_at "
    "order_id outcome_reason owned_since owner_id reason status status_before_lock version)"
)
_INBOX_CASE = (
    "read insert update(answers channel closed_at due_at next_check_at status story version)"
)
_DESK_DISPUTE = (
    "read update(document_id error_code error_text evidence file_id key_number last_sent_at "
    "staged_at wish wished_at wished_by_id)"
)
_PORTAL_DOOR = "door = 'portal' AND person_id IS NULL"
_DESK_DOOR = "door = 'desk' AND account_id IS NULL"
# An email in the customer's name that nobody vouched for is shown to them, so that they say whose
# it is; notes and other words of staff are not.
_PORTAL_MESSAGES = "audience = 'customer' OR (NOT verified AND author_kind = 'customer')"
_NOT_STAFF_WRITES = Rows(writes="author_kind <> 'staff'")
_NOT_STAFF_ACTS = Rows(writes="actor_kind <> 'staff'")
_DECIDED = "read insert update(decided_at decided_by_id decision note)"

TABLES: Mapping[str, Table] = {
    # --- who may come in
    "person": Table(
        "staff and their roles",
        {P: "read", B: "read insert update(email last_seen_at name roles shortcuts)", W: "read"},
    ),
    "session": Table(
        "sign-ins of both doors, tokens as hashes",
        {
            P: "read insert update(ended_at last_seen_at)",
            B: "read insert update(ended_at last_seen_at)",
            W: "read(id door ended_at expires_at) update(ended_at) delete",
        },
        {P: Rows(_PORTAL_DOOR, _PORTAL_DOOR), B: Rows(_DESK_DOOR, _DESK_DOOR)},
    ),
    "sign_in_code": Table(
        "one-time codes as salted hashes",
        {P: "read update(tries used_at)", W: "read insert update(used_at) delete"},
    ),
    "rate_limit": Table(
        "counters",
        {P: f"{_COUNT} delete", B: f"{_COUNT} delete", W: f"{_COUNT} delete", I: _COUNT},
    ),
    "read_log": Table("who of the staff looked at what", {B: "insert read(id)", W: "read delete"}),
    "erasure": Table("who was erased, when and why, as commitments", {}),
    # --- what customers are and write
    "account": Table(
        "organisations and their billing addresses",
        {
            P: "read update(flag_reason flagged_at stripe_customer_id)",
            B: "read update(billing_email flag_reason flagged_at rebill_hold_until "
            "stripe_customer_id)",
            W: "read update(flag_reason flagged_at stripe_customer_id)",
            I: "read",
        },
    ),
    "order_": Table(
        "orders",
        {
            P: "read",
            B: "read",
            I: "read",
            W: "read update(cancelled_on subscription_ends_on subscription_status unpaid_hold)",
        },
    ),
    "deposit": Table(
        "card payments of orders", {P: "read", B: "read insert", W: "read", I: "read"}
    ),
    "case_": Table(
        "cases and what the customer claims",
        {P: _PORTAL_CASE, B: _DESK_CASE, W: "read insert update", I: _INBOX_CASE},
    ),
    "case_mark": Table(
        "labels of cases, and until when they are set aside", {B: "read insert update delete"}
    ),
    "message": Table(
        "what was written on cases",
        {P: "read insert", B: "read insert", W: "read insert", I: "read insert"},
        {P: Rows(_PORTAL_MESSAGES, "author_kind <> 'staff'"), I: _NOT_STAFF_WRITES},
    ),
    "attachment": Table(
        "names and places of files",
        {
            P: "read insert update(removed_at)",
            B: "read",
            W: "read update(removed_at state)",
            I: "read insert",
        },
    ),
    "timeline": Table(
        "the hash-chained history",
        {P: "read insert", B: "read insert", W: "read insert", I: "read insert"},
        {P: _NOT_STAFF_ACTS, I: _NOT_STAFF_ACTS},
    ),
    # --- checking and deciding
    "identity_check": Table(
        "identity facts and their verdicts", {P: "read", B: "read insert", W: "read"}
    ),
    "audit": Table(
        "audits of cancelled orders",
        {
            P: "read",
            B: "read update(checklist csm_id ends_on extended_by)",
            W: "read insert update",
        },
    ),
    "effective_date": Table("when a cancellation took effect", {B: "read insert", W: "read"}),
    "stripe_reading": Table(
        "what Stripe showed", {B: "read insert update delete", W: "read delete"}
    ),
    "charge_claim": Table(
        "which case holds a charge",
        {
            P: "read update(released_at)",
            B: "read insert update(released_at)",
            W: "read insert update(released_at)",
            I: "read update(released_at)",
        },
    ),
    "plan": Table(
        "plans, immutable",
        {
            P: "read update(void_reason voided_at)",
            B: "read insert update(void_reason voided_at)",
            W: "read insert update(void_reason voided_at)",
        },
    ),
    "approval": Table("decisions", {B: "read insert", W: "read"}),
    "second_review": Table(
        "approved plans drawn for a second look",
        {B: "read insert update(decided_at decision reason reviewer_id)"},
    ),
    "rule_proposal": Table("changes of the rules that wait", {B: _DECIDED}),
    "policy_version": Table("the rules' history", {B: "read insert", W: "read"}),
    "address_change": Table(
        "new billing addresses that wait", {B: _DECIDED, W: "read update(followed_at)"}
    ),
    # --- money
    "leg": Table(
        "movements and how far they got",
        {
            P: "read update(next_action_url next_look_at pending_reason)",
            B: "read insert",
            W: "read insert update",
        },
    ),
    "attempt": Table("calls to Stripe and their results", {B: "read", W: "read insert update"}),
    "ledger": Table("double entry of every effect", {W: "read insert"}),
    "bank_dispute": Table("disputes at the bank", {B: _DESK_DISPUTE, W: "read insert update"}),
    # --- what goes out and comes in
    "mail": Table(
        "mails to be sent",
        {
            P: _QUEUE_MAIL,
            B: _QUEUE_MAIL,
            W: "read insert update",
            I: "read insert update(error state)",
        },
    ),
    "document": Table(
        "PDFs and the facts they are made from",
        {P: _DOCUMENTS, B: _DOCUMENTS, W: "read insert update", I: ""},
    ),
    "webhook_event": Table("Stripe's events", {P: "insert read(id)", W: "read insert update"}),
    "exception_item": Table(
        "what a person has to look at",
        {
            P: _TELL,
            B: "read insert update(resolution resolved_at resolved_by)",
            W: "read insert update",
            I: "insert read(id kind key resolved_at)",
        },
    ),
    "worker_state": Table("what workers share", {W: "read insert update"}),
    # --- machinery
    "tortoise_migrations": Table(
        "which migrations were applied", {P: "read", B: "read", W: "read", I: "read"}
    ),
    "procrastinate_jobs": Table(
        "wake-ups", {P: _WAKE, B: _WAKE, W: "read insert update delete", I: _WAKE}
    ),
    "procrastinate_events": Table(
        "what became of wake-ups",
        {P: "insert", B: "insert", W: "read insert update delete", I: "insert"},
    ),
    "procrastinate_periodic_defers": Table("scheduled wake-ups", {W: "read insert update delete"}),
    "procrastinate_workers": Table("running workers", {W: "read insert update delete"}),
}
# Everybody numbers; only the worker skips numbers after a restore.
SEQUENCES: Mapping[str, Mapping[Process, str]] = {
    "case_ref_seq": {P: "USAGE", W: "USAGE, SELECT, UPDATE"},
}
APPEND_ONLY = ("timeline", "ledger", "approval", "policy_version", "erasure")


def markdown() -> str:
    """The page of the rights, for docs/RIGHTS.md."""
    head = "| table | holds | " + " | ".join(Process) + " |"
    line = "| --- " * (2 + len(Process)) + "|"
    rows = [
        f"| `{name}` | {table.holds} | "
        + " | ".join(_cell(table.rights(process)) for process in Process)
        + " |"
        for name, table in TABLES.items()
    ]
    limits = [
        f"- `{name}`, {process}: sees `{rows.sees}`, writes `{rows.writes}`"
        for name, table in TABLES.items()
        for process, rows in table.rows.items()
    ]
    return "\n".join([_INTRODUCTION, head, line, *rows, "", _ROWS, "", *limits, ""])


def _cell(rights: tuple[Right, ...]) -> str:
    ordered = sorted(rights, key=lambda right: _VERBS.index(right.verb))
    return ", ".join(
        f"{right.verb} ({', '.join(right.columns)})" if right.columns else right.verb
        for right in ordered
    )


_INTRODUCTION = """# Who may touch which table

Written by `python -m amends.rights`; do not edit. `amends migrate` grants exactly this to the group
roles `amends_portal`, `amends_backoffice`, `amends_worker` and `amends_inbox`. Nobody but the owner
of the tables changes or deletes rows of the timeline, the ledger, the approvals and the rules, and
triggers hold the owner to that too. How to use the roles: [OPERATIONS.md](OPERATIONS.md).
"""
_ROWS = "Rows that a role does not see or cannot write (row-level security):"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - its output is the page
