"""A trace number that came after the proof: the same proof once more, with the number."""

import hashlib
from dataclasses import replace
from uuid import UUID

from amends.flow import outbox, proof_facts
from amends.gateways import document_data as documents
from amends.gateways.document_data import ProofOfRefund, RefundLine
from amends.models import Case, Document, Leg


async def with_trace_number(case: Case, leg: Leg) -> list[UUID]:
    """The new version of the proof that stands; none where there is none or it knows the number.

    Joins the caller's transaction. The version before is kept, and marked as replaced.
    """
    old = await Document.filter(
        case_id=case.id, kind=ProofOfRefund.kind, superseded_at=None
    ).first()
    if old is None or not old.facts:
        return []
    told = documents.unpack(old.kind, old.facts)
    assert isinstance(told, ProofOfRefund), "it was asked for by its kind"
    refunds = tuple(_with_number(line, leg) for line in told.refunds)
    if refunds == told.refunds:
        return []
    anew = replace(told, head=await proof_facts.head(case), refunds=refunds)
    return [await outbox.document(case, anew, _outcome(old.outcome, leg))]


def _with_number(line: RefundLine, leg: Leg) -> RefundLine:
    if line.refund_id != leg.stripe_id:
        return line
    return replace(line, trace_number=leg.bank_reference)


def _outcome(before: str, leg: Leg) -> str:
    """What was proven before and the number that came to it: one version for each."""
    parts = (before, str(leg.stripe_id), leg.bank_reference)
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
