"""What mails and documents both tell: the company, the case and the cards, as customers know it."""

from dataclasses import dataclass
from typing import Final

from amends.rules import card_words

_BANK_ACCOUNTS: Final = frozenset({"us_bank_account", "sepa_debit", "bacs_debit", "acss_debit"})


@dataclass(frozen=True)
class Company:
    """Who writes. `time_zone` (IANA) is where its days are counted and its clock is read."""

    name: str
    support_address: str
    portal_url: str
    time_zone: str = "UTC"


@dataclass(frozen=True)
class CaseHead:
    """The case as its customer knows it. `page_url` is the request page in the portal.

    `record` may name the newest entry of the case's history, like
    #14 head=9f2c4be1 ending=07d3a9c5: a copy of it outside our hands shows later whether the
    history was changed.
    """

    reference: str
    greeting: str
    page_url: str
    order: str = ""
    record: str = ""


@dataclass(frozen=True)
class Card:
    """A payment method as Stripe names it: brand code, last four digits, kind of funding."""

    brand: str
    last4: str
    funding: str = ""

    @property
    def words(self) -> str:
        """Visa debit ending 4242"""
        known = card_words.name(self.brand, "", self.funding)
        name = "Bank account" if self.brand in _BANK_ACCOUNTS else known[:1].upper() + known[1:]
        return f"{name} ending {self.last4}" if self.last4 else name
