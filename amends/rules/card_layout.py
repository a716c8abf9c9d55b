"""Card numbers in a row of digit groups: network prefix, length, check digit and layout."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

SHORTEST: Final = 13
# "4242, 5454" is a list, say of last fours, not one number: a comma or colon before a blank.
_LISTED: Final = r"(?![^A-Za-z0-9$%]{0,2}[,;:][ \t\n])"
ROW: Final = re.compile(rf"[0-9]+(?:{_LISTED}[^A-Za-z0-9$%]{{1,3}}[0-9]+)*")
GROUP: Final = re.compile(r"[0-9]+")

# Prefixes and lengths as the networks publish them. Maestro's broad ranges are left to its
# issued prefixes: the rest of 50 and 56-69 would flag many more reference numbers.
_NETWORK: Final = re.compile(
    r"(?P<visa>4)"
    r"|(?P<mastercard>5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)"
    r"|(?P<amex>3[47])"
    r"|(?P<diners>30[0-5]|3095|3[689])"
    r"|(?P<jcb>352[89]|35[3-8])"
    r"|(?P<discover>6011|64[4-9]|65)"
    r"|(?P<unionpay>62|81[0-6]|817[01])"
    r"|(?P<maestro>5018|5020|5038|5893|6304|67)"
)
_LENGTHS: Final = {
    "visa": (13, 16, 19),
    "mastercard": (16,),
    "amex": (15,),
    "diners": (14, 16, 19),
    "jcb": (16, 17, 18, 19),
    "discover": (16, 17, 18, 19),
    "unionpay": (16, 17, 18, 19),
    "maestro": (13, 14, 15, 16, 17, 18, 19),
}
_PHONE_DIGITS: Final = 15  # The longest international telephone number; it starts with "+".
_NETWORK_LAYOUTS: Final = frozenset({(4, 6, 5), (4, 6, 4), (6, 13), (4, 5, 6), (4, 4, 5)})
_BARE_GAP: Final = re.compile(r"[ \t\n-]+")
# Commas and colons part the figures of tables, times and fingerprints.
_EVEN_GAP: Final = re.compile(r"[^,:;]+")
_EXPIRY: Final = re.compile(
    r"(?:(?:0?[1-9]|1[0-2]) |0[1-9]|1[0-2])(?:20)?[2-9][0-9](?: [0-9]{3,4})?"
)
_CODE: Final = re.compile(r"[0-9]{3,4}")
_MOST_CODES: Final = 3  # Month, year and security code.

Stretch = tuple[int, int]


class Row:
    """Digit groups with at most three other characters between neighbours.

    Groups are numbered and `_begin[i]` is the digit at which group i begins, with one more
    entry for the end. Running sums make the check of any stretch cost the same, so the whole
    costs time in proportion to its length.
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        groups = [match.span() for match in GROUP.finditer(text, start, end)]
        self._after_plus = start > 0 and text[start - 1] == "+"
        self._gaps = [text[left[1] : right[0]] for left, right in pairwise(groups)]
        self._sizes = [high - low for low, high in groups]
        self._begin = [0]
        for size in self._sizes:
            self._begin.append(self._begin[-1] + size)
        self.digits = "".join(text[low:high] for low, high in groups)
        self._places = [place for low, high in groups for place in range(low, high)]
        self._sums = _check_sums(self.digits)

    def cards(self) -> list[Stretch]:
        """First digit and digit after the last of each card, in order, none overlapping."""
        if len(self.digits) < SHORTEST:
            return []
        usual = _merged(list(self._usual()))
        groups = sorted([*usual, *self._unusual(usual)])
        return [(self._begin[first], self._begin[last]) for first, last in groups]

    def place(self, digit: int) -> int:
        """Where in the text a digit stands."""
        return self._places[digit]

    def _usual(self) -> Iterator[Stretch]:
        """Laid out as printed on cards: for each first group the longest. A number with an
        expiry date behind it is certain, so none that would reach into the date is tried."""
        first = 0
        while first < len(self._sizes):
            ends = [last for last in self._ends(first) if self._is_usual(first, last)]
            dated = next((last for last in ends if _EXPIRY.fullmatch(self._rest(last))), 0)
            if ends:
                yield first, dated or ends[-1]
            first = dated or first + 1

    def _ends(self, first: int) -> Iterator[int]:
        """The groups before which a number that begins with group `first` may end."""
        low = self._begin[first]
        network = _NETWORK.match(self.digits, low)
        if network is None or network.lastgroup is None:
            return
        for length in _LENGTHS[network.lastgroup]:
            last = bisect_left(self._begin, low + length, first, min(first + 20, len(self._begin)))
            whole = last < len(self._begin) and self._begin[last] == low + length
            if whole and self._checks(low, low + length) and not self._is_phone(first, length):
                yield last

    def _checks(self, low: int, high: int) -> bool:
        sums = self._sums[high % 2]
        return (sums[high] - sums[low]) % 10 == 0

    def _is_phone(self, first: int, length: int) -> bool:
        plus = self._after_plus if first == 0 else self._gaps[first - 1].endswith("+")
        # In a web address "+" stands for a blank, so there it also follows the group.
        encoded = first < len(self._gaps) and "+" in self._gaps[first]
        return plus and not encoded and length <= _PHONE_DIGITS

    def _is_usual(self, first: int, last: int) -> bool:
        """Also where a line break fell into a group."""
        return _is_layout(self._sizes[first:last]) or _is_layout(self._over_lines(first, last))

    def _over_lines(self, first: int, last: int) -> list[int]:
        sizes = [self._sizes[first]]
        for group in range(first + 1, last):
            if "\n" in self._gaps[group - 1]:
                sizes[-1] += self._sizes[group]
            else:
                sizes.append(self._sizes[group])
        return sizes

    def _unusual(self, usual: list[Stretch]) -> Iterator[Stretch]:
        """Any other layout, where it is all there is between other things."""
        bounds = [0, *(edge for pair in usual for edge in pair), len(self._sizes)]
        for low, high in zip(bounds[::2], bounds[1::2], strict=True):
            first = low
            while first < high:
                last = self._unusual_end(low, first, high)
                if last:
                    yield first, last
                    low = last
                first = last or first + 1

    def _unusual_end(self, low: int, first: int, high: int) -> int:
        """Where it ends, or 0 for none: it begins where `low` is or where the gaps change."""
        if low < first < len(self._gaps) and self._gaps[first - 1] == self._gaps[first]:
            return 0
        for last in self._ends(first):
            if last <= high and self._stands_alone(low, first, last, high):
                return last
        return 0

    def _stands_alone(self, low: int, first: int, last: int, high: int) -> bool:
        """Nothing but codes follow; the gaps are all alike, or plain with nothing before."""
        gaps = self._gaps[first : last - 1]
        even = len(set(gaps)) == 1 and _EVEN_GAP.fullmatch(gaps[0]) is not None
        bare = first == low and all(_BARE_GAP.fullmatch(gap) for gap in gaps)
        if last == high or self._codes_follow(last):
            return even or bare
        return even and self._gaps[last - 1] != gaps[0]

    def _codes_follow(self, last: int) -> bool:
        rest = self._rest(last)
        return bool(_EXPIRY.fullmatch(rest) or _CODE.fullmatch(rest))

    def _rest(self, last: int) -> str:
        """The groups behind a number, as far as they could be codes."""
        groups = range(last, min(len(self._sizes), last + _MOST_CODES + 1))
        begin = self._begin
        return " ".join(self.digits[begin[group] : begin[group + 1]][:5] for group in groups)


def _check_sums(digits: str) -> tuple[list[int], list[int]]:
    """Running sums with every second digit doubled, for stretches that end at even, at odd."""
    even, odd = [0], [0]
    for index, digit in enumerate(map(int, digits)):
        doubled = digit * 2 - 9 * (digit > 4)
        even.append(even[-1] + (digit if index % 2 else doubled))
        odd.append(odd[-1] + (doubled if index % 2 else digit))
    return even, odd


def _is_layout(sizes: list[int]) -> bool:
    """One block; blocks of four and what remains; or the pattern of a network."""
    fours = all(size % 4 == 0 for size in sizes[:-1]) and (sizes[-1] <= 4 or sizes[-1] % 4 == 0)
    return len(sizes) == 1 or fours or tuple(sizes) in _NETWORK_LAYOUTS


def _merged(pairs: list[Stretch]) -> list[Stretch]:
    """Overlapping pairs, in order, as one: nothing tells which of them is the real number."""
    merged: list[Stretch] = []
    for first, last in pairs:
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
