"""Identification or business papers: what may be asked for, and whether what came is enough."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tortoise.transactions import in_transaction

from amends import facts
from amends.flow import desk, identity, triage
from amends.flow.identity import Fact, Verdict
from amends.models import Case
from amends.rules.people import Staff
from amends.rules.workflow import Status


class Proof(StrEnum):
    """What is asked for."""

    IDENTIFICATION = "identification"
    BUSINESS = "business"
    CARD = "card"


# As the customer reads it, in the mail and on the page.
WORDS: Mapping[Proof, str] = MappingProxyType(
    {
        Proof.IDENTIFICATION: "Identification of the person who asks",
        Proof.BUSINESS: "Papers of your business, such as its registration",
        Proof.CARD: "A bank letter that names who holds the card, without the card's number",
    }
)


async def accept(case: Case, by: Staff, seen: str) -> None:
    """What came is enough; `seen` names the paper. The plan is free to go."""
    _must_be_asked(await identity.standing(case, None))
    seen = desk.words(seen, "seen", "Say which paper you accepted")
    await identity.verify_identity(case, by, Fact.VERIFICATION, Verdict.MATCH, seen)


async def refuse(case: Case, by: Staff, told: str) -> Case:
    """What came is not enough; the customer reads why and is asked again."""
    desk.must_prepare(case, by)
    _must_be_asked(await identity.standing(case, None))
    if case.status is not Status.TRIAGE:
        raise facts.Refused("The customer was asked already. Wait for the answer.")
    told = desk.words(told, "told", "Write why it is not enough, and what to send instead")
    async with in_transaction():
        await identity.verify_identity(case, by, Fact.VERIFICATION, Verdict.MISMATCH, "", told)
        case = await Case.get(id=case.id)
        return await triage.ask_customer(case, by, told)


def _must_be_asked(standing: identity.Identity) -> None:
    if standing.verification is None:
        raise facts.Refused("No papers were asked for on this case.")
    if not standing.papers_open:
        raise facts.AlreadyDecided("The papers are accepted already.")
