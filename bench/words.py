"""Made-up messages: short sentences whose words are as unevenly common as in any language."""

import random
from collections.abc import Sequence

SENTENCES = 20_000
_COMMONEST = (
    "please refund card charge payment deposit order scanner invoice shipping bank account email "
    "team need received waiting customs delay renewal cancel approve billing number"
)
_OPENINGS = ("con", "de", "ex", "im", "in", "pre", "pro", "re", "sub", "trans", "un", "out", "over")
_MIDDLES = (
    "du",
    "fer",
    "ject",
    "mit",
    "pel",
    "port",
    "scri",
    "sist",
    "spec",
    "struc",
    "ten",
    "ver",
)
_ENDINGS = (
    "able",
    "al",
    "ance",
    "er",
    "est",
    "ful",
    "ing",
    "ion",
    "ist",
    "ity",
    "ive",
    "ment",
    "or",
)


def vocabulary() -> tuple[str, ...]:
    """About two thousand words; the first are the commonest."""
    made = [a + b + c for a in _OPENINGS for b in _MIDDLES for c in _ENDINGS]
    random.Random(1).shuffle(made)
    return (*_COMMONEST.split(), *made)


def sentences(count: int = SENTENCES) -> Sequence[str]:
    """Eight words each, the n-th word about n times rarer than the first (Zipf)."""
    dice = random.Random(2)
    words = vocabulary()
    weights = [1 / (place + 2) for place in range(len(words))]
    picked = dice.choices(words, weights, k=8 * count)
    return [" ".join(picked[at : at + 8]).capitalize() + "." for at in range(0, len(picked), 8)]
