"""A document is issued at a real moment, which has microseconds."""

import dataclasses

from amends.gateways import document_samples, documents


async def test_it_sets_a_document_issued_between_two_seconds() -> None:
    sample = document_samples.sample("request_summary")
    head = dataclasses.replace(
        sample.head, issued_at=sample.head.issued_at.replace(microsecond=230503)
    )
    made = await documents.render(dataclasses.replace(sample, head=head))
    assert made.startswith(b"%PDF")
