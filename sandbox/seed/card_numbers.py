"""Numbers for invented cards: valid by their check digit, and nobody else's."""

from sandbox.stripe_twin import cards

_STARTS = {"visa": "4", "mastercard": "52", "amex": "34", "discover": "6011", "jcb": "3530"}
_LENGTHS = {"amex": 15}


def number(brand: str, last4: str, owner: int) -> str:
    """A number that ends in `last4`. Every owner has other ones, and so other fingerprints."""
    start = _STARTS[brand]
    middle = _LENGTHS.get(brand, 16) - len(start) - len(last4)
    for check in range(10):
        made = f"{start}{owner:0{middle - 1}}{check}{last4}"
        if cards.passes_luhn(made):
            return made
    raise ValueError(f"no {brand} number ends in {last4}")
