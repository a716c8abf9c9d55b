"""How a refund that failed is made good: the ways, and what is kept of the one that was chosen."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Way(StrEnum):
    SEND_AGAIN = "send_again"
    PAY_OTHERWISE = "pay_otherwise"
    REFUND_NEW_CHARGE = "refund_new_charge"
    KEEP = "keep"


# Ways in which no money moves at Stripe: the decision itself is what is carried out.
WITHOUT_LEGS = frozenset({Way.PAY_OTHERWISE, Way.KEEP})


@dataclass(frozen=True)
class Remedy:
    """Part of a plan and under its digest. `mends` are the failed refund legs it makes good.

    Paying otherwise needs `how` (a bank transfer, say), the amount and the evidence in words; an
    attachment of the case may prove it. `told` is what the customer reads.
    """

    way: Way
    mends: tuple[str, ...] = ()
    amount_minor: int = 0
    currency: str = ""
    how: str = ""
    evidence: str = ""
    attachment_id: str = ""
    told: str = ""

    def packed(self) -> dict[str, Any]:
        return asdict(self)


def unpack(body: dict[str, Any]) -> Remedy:
    """Raises ValueError on a way it does not know."""
    return Remedy(**{**body, "way": Way(body["way"]), "mends": tuple(body["mends"])})


def problems(remedy: Remedy) -> list[str]:
    """What is missing; empty when somebody may decide on it."""
    found = []
    if remedy.way is Way.PAY_OTHERWISE:
        if remedy.amount_minor <= 0:
            found.append("Enter the amount that was paid.")
        if not remedy.how or not remedy.evidence:
            found.append("Say how it was paid, and what proves it.")
    if remedy.way is not Way.KEEP and not remedy.mends:
        found.append("There is no failed refund to make good.")
    if remedy.way in WITHOUT_LEGS and not remedy.told:
        found.append("Write what the customer will read.")
    return found
