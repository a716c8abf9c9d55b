"""Ids that look like Stripe's and depend on nothing but the seed and the order of creation."""

from hashlib import blake2b

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_LETTERS = bytes(ord(_ALPHABET[byte % 62]) for byte in range(256))

# Length of the part after the prefix, where it is not 24.
_LENGTHS = {"cs_test_": 58, "req_": 14, "ch_": 24, "cus_": 14, "whsec_": 32}
# Objects of a payment carry a 3 after the prefix.
_LEADS = {"ch_": "3", "pi_": "3", "re_": "3", "txn_": "3", "cs_test_": "a1"}


def digest(text: str, length: int) -> str:
    """A stable token of up to 64 letters and digits made from a text."""
    return blake2b(text.encode()).digest().translate(_LETTERS)[:length].decode()


class Ids:
    """Counts per prefix, so that one kind of object never shifts the ids of another."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.counts: dict[str, int] = {}

    def new(self, prefix: str) -> str:
        count = self.counts.get(prefix, 0) + 1
        self.counts[prefix] = count
        lead = _LEADS.get(prefix, "1")
        length = _LENGTHS.get(prefix, 24)
        return prefix + (lead + digest(f"{self._seed}:{prefix}:{count}", length))[:length]
