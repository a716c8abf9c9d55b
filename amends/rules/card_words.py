"""How a card is named in words: the brand people know, its kind, its last four digits."""

_BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
# "credit" is what people mean by a card; the others are worth saying.
_KINDS = frozenset({"debit", "prepaid"})


def name(brand: str, last4: str, funding: str = "") -> str:
    """American Express 1005, Visa debit 4242; `card` where the brand is not known."""
    known = _BRANDS.get(brand, brand.replace("_", " ").title() if brand else "card")
    kind = funding if funding in _KINDS else ""
    return " ".join(part for part in (known, kind, last4) if part)
