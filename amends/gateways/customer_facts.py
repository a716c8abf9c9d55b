"""What mails and documents both tell: the company, the case and the cards, as customers know it."""

from dataclasses import dataclass
from typing import Final

_BRANDS: Final = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "Eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "us_bank_account": "Bank account",
    "visa": "Visa",
}
_SPOKEN_FUNDING: Final = frozenset({"debit", "prepaid"})


@dataclass(frozen=True)
class Company:
    """Who writes. `time_zone` (IANA) is where its days are counted and its clock is read."""

    name: str
    support_address: str
    portal_url: str
    time_zone: str = "UTC"


@dataclass(frozen=True)
class CaseHead:
    """The case as its customer knows it. `page_url` is the request page in the portal."""

    reference: str
    greeting: str
    page_url: str
    order: str = ""


@dataclass(frozen=True)
class Card:
    """A payment method as Stripe names it: brand code, last four digits, kind of funding."""

    brand: str
    last4: str
    funding: str = ""

    @property
    def words(self) -> str:
        """Visa debit ending 4242"""
        brand = _BRANDS.get(self.brand, self.brand.replace("_", " ").title() or "Card")
        funding = f" {self.funding}" if self.funding in _SPOKEN_FUNDING else ""
        return f"{brand}{funding} ending {self.last4}" if self.last4 else f"{brand}{funding}"
