"""The three facts of who asks, each with a verdict, who gave it and when. Before anything else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from tortoise.transactions import in_transaction

from amends import clock, facts, moves
from amends.flow import desk, sighting
from amends.flow.sighting import Reading
from amends.models import Account, Case, IdentityCheck
from amends.rules import evidence, policy, workflow
from amends.rules.evidence import Match
from amends.rules.people import Staff


class Fact(StrEnum):
    """What is checked. Verification is asked for only where a case needs papers."""

    BILLING_EMAIL = "billing_email"
    ORGANISATION = "organisation"
    TENANT_ID = "tenant_id"
    VERIFICATION = "verification"


class Verdict(StrEnum):
    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    OVERRIDDEN = "overridden"


IDENTITY = (Fact.BILLING_EMAIL, Fact.ORGANISATION, Fact.TENANT_ID)
NAMES: Mapping[Fact, str] = MappingProxyType(
    {
        Fact.BILLING_EMAIL: "billing email",
        Fact.ORGANISATION: "organization",
        Fact.TENANT_ID: "tenant ID",
        Fact.VERIFICATION: "identification or business papers",
    }
)
_STANDS = frozenset({Verdict.MATCH, Verdict.OVERRIDDEN})
_COMPARE = {
    Fact.BILLING_EMAIL: evidence.addresses,
    Fact.ORGANISATION: evidence.organisations,
    Fact.TENANT_ID: evidence.identifiers,
}


@dataclass(frozen=True)
class Standing:
    """One fact as it stands: on file, at Stripe, the newest verdict and who gave it."""

    fact: Fact
    on_file: str
    at_stripe: str
    suggestion: Match
    verdict: Verdict | None = None
    seen: str = ""
    reason: str = ""
    by: str = ""
    at: datetime | None = None

    @property
    def stands(self) -> bool:
        return self.verdict in _STANDS


@dataclass(frozen=True)
class Identity:
    """All facts of a case. `verification` is there only when papers were asked for."""

    facts: tuple[Standing, ...]
    verification: Standing | None = None

    @property
    def verified(self) -> bool:
        return all(standing.stands for standing in self.facts)

    @property
    def missing(self) -> tuple[Standing, ...]:
        return tuple(standing for standing in self.facts if not standing.stands)

    @property
    def papers_open(self) -> bool:
        return self.verification is not None and not self.verification.stands


async def standing(case: Case, reading: Reading | None, account: Account | None = None) -> Identity:
    """How the identity of this case stands now."""
    account = account or await Account.get(id=case.account_id)
    rows = await IdentityCheck.filter(case_id=case.id).order_by("id").select_related("by")
    return stands(account, rows, reading)


def stands(account: Account, checks: Iterable[IdentityCheck], reading: Reading | None) -> Identity:
    """The same from rows that were read already, the oldest first."""
    newest = {row.fact: row for row in checks}
    found = {fact: _standing(fact, account, reading, newest.get(fact)) for fact in Fact}
    papers = found[Fact.VERIFICATION] if Fact.VERIFICATION in newest else None
    return Identity(tuple(found[fact] for fact in IDENTITY), papers)


def _standing(
    fact: Fact, account: Account, reading: Reading | None, row: IdentityCheck | None
) -> Standing:
    on_file, at_stripe = _on_file(fact, account), _at_stripe(fact, reading)
    compare = _COMPARE.get(fact)
    suggestion = compare(on_file, at_stripe) if compare else Match.UNKNOWN
    if row is None:
        return Standing(fact, on_file, at_stripe, suggestion)
    # A verdict is about one text. When the file says another thing now, it counts no more.
    verdict = Verdict(row.verdict) if row.on_file == on_file else Verdict.UNKNOWN
    return Standing(
        fact, on_file, at_stripe, suggestion, verdict, row.seen, row.reason, row.by.name, row.at
    )


def _on_file(fact: Fact, account: Account) -> str:
    return {
        Fact.BILLING_EMAIL: account.billing_email,
        Fact.ORGANISATION: account.organisation,
        Fact.TENANT_ID: account.tenant_id,
        Fact.VERIFICATION: "",
    }[fact]


def _at_stripe(fact: Fact, reading: Reading | None) -> str:
    if reading is None or reading.customer is None:
        return ""
    return {
        Fact.BILLING_EMAIL: reading.customer.email,
        Fact.ORGANISATION: reading.customer.name,
        Fact.TENANT_ID: sighting.tenant_of(reading.customer),
        Fact.VERIFICATION: "",
    }[fact]


async def verify_identity(
    case: Case, by: Staff, fact: Fact, verdict: Verdict, seen: str = "", reason: str = ""
) -> None:
    """Record a verdict. `seen` is what the agent compared with; Stripe's own value if empty.

    A match is taken only where the texts do match: saying so is not enough.
    """
    desk.must_prepare(case, by)
    _must_be_open(case)
    if verdict is Verdict.OVERRIDDEN:
        await override_identity(case, by, fact, reason)
        return
    now = _standing(fact, await Account.get(id=case.account_id), await sighting.shown(case), None)
    compared = seen.strip() or now.at_stripe
    if verdict is Verdict.MATCH:
        _must_match(now, compared)
    if verdict is Verdict.MISMATCH and not reason.strip():
        raise facts.InvalidInput({"reason": "Say what does not match"})
    await _record(case, by, now, verdict, compared, reason)


def _must_match(now: Standing, compared: str) -> None:
    name = NAMES[now.fact]
    if now.fact is Fact.VERIFICATION:
        if not compared:
            raise facts.InvalidInput({"seen": "Say which paper you accepted"})
        return
    if now.suggestion is Match.MISMATCH:
        raise facts.Refused(
            f"Stripe shows another {name} than the account: {now.at_stripe}. "
            "Record a mismatch, or ask a lead to override it with a reason."
        )
    if _COMPARE[now.fact](now.on_file, compared) is not Match.MATCH:
        raise facts.InvalidInput(
            {"seen": f"Enter the {name} you compared with; it must be the one on file"}
        )


async def override_identity(case: Case, by: Staff, fact: Fact, reason: str) -> None:
    """A lead or manager takes a fact as proven in spite of the comparison, in writing."""
    desk.must_prepare(case, by)
    _must_be_open(case)
    verdict = policy.may_override_identity(by)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)
    reason = desk.words(reason, "reason", "Say why this may be taken as proven")
    now = _standing(fact, await Account.get(id=case.account_id), await sighting.shown(case), None)
    await _record(case, by, now, Verdict.OVERRIDDEN, now.at_stripe, reason)


async def ask_for_papers(case: Case, by: Staff, reason: str) -> None:
    """Open the verification; the plan waits until somebody accepts what the customer sends."""
    now = _standing(Fact.VERIFICATION, await Account.get(id=case.account_id), None, None)
    await _record(case, by, now, Verdict.UNKNOWN, "", reason)


def _must_be_open(case: Case) -> None:
    if case.status not in workflow.OPEN or case.status in workflow.EXECUTING:
        raise facts.Refused(
            f"This case is {moves.words(case.status)}; identity is not checked now."
        )


async def _record(
    case: Case, by: Staff, now: Standing, verdict: Verdict, seen: str, reason: str
) -> None:
    async with in_transaction():
        await IdentityCheck.create(
            case_id=case.id,
            fact=now.fact,
            on_file=now.on_file,
            seen=seen[:254],
            verdict=verdict,
            reason=reason.strip(),
            by_id=by.person_id,
            at=clock.now(),
        )
        data: dict[str, object] = {"fact": str(now.fact), "verdict": str(verdict), "seen": seen}
        await moves.note(case, desk.entry("check_identity", by, reason.strip(), data))
