"""Stripe: one dispute, its evidence, and accepting it. Evidence counts once."""

import io
from collections.abc import Mapping
from typing import Any, cast

from amends.gateways import stripe_read as to
from amends.gateways.stripe_client import moving, read, reading, send
from amends.gateways.stripe_facts import DisputeFacts

# What Stripe takes as one file of evidence, and all texts together.
MOST_BYTES = 5 * 1024 * 1024
MOST_EXHIBITS = 4_500_000  # bytes: the cover and its texts need some of the five megabytes
MOST_SIGNS = 150_000


async def dispute(dispute_id: str) -> DisputeFacts:
    return to.dispute(await read(reading().v1.disputes.retrieve_async(dispute_id)))


async def upload(name: str, data: bytes, key: str) -> str:
    """A PDF for a dispute; returns its id. A second copy under another key does no harm."""
    file = io.BytesIO(data)
    file.name = name
    made = await send(
        moving().v1.files.create_async(
            cast(Any, {"purpose": "dispute_evidence", "file": file}), {"idempotency_key": key}
        )
    )
    return str(made.id)


async def stage(dispute_id: str, evidence: Mapping[str, str], key: str) -> DisputeFacts:
    """Keep the evidence at Stripe without handing it in; `submit` would be true by default."""
    return await _update(dispute_id, {"evidence": dict(evidence), "submit": False}, key)


async def submit(dispute_id: str, evidence: Mapping[str, str], key: str) -> DisputeFacts:
    """Hand it to the bank. Possible once."""
    return await _update(dispute_id, {"evidence": dict(evidence), "submit": True}, key)


async def _update(dispute_id: str, params: dict[str, Any], key: str) -> DisputeFacts:
    call = moving().v1.disputes.update_async(
        dispute_id, cast(Any, params), {"idempotency_key": key}
    )
    return to.dispute(await send(call))


async def accept(dispute_id: str, key: str) -> DisputeFacts:
    """Give in: the dispute is lost, for good."""
    call = moving().v1.disputes.close_async(dispute_id, {}, {"idempotency_key": key})
    return to.dispute(await send(call))
