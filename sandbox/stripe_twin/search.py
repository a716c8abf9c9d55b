"""The search endpoints: Stripe's small query language over an index that lags behind."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, lists
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.store import dig

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_TERM = re.compile(
    r"\s*(?P<not>-)?(?P<field>[\w.]+)(?:\[(?P<q>['\"])(?P<key>.*?)(?P=q)\])?"
    r"\s*(?P<op>:|~|>=|<=|>|<)\s*"
    r"(?:(?P<vq>['\"])(?P<text>(?:\\.|(?!(?P=vq)).)*)(?P=vq)|(?P<bare>null|[\d.]+))\s*",
    re.IGNORECASE,
)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Term:
    """field:'value', metadata['key']:'value', created>123, -field:null."""

    path: str
    operator: str
    value: str | None
    negated: bool

    def holds(self, doc: Doc) -> bool:
        return self._matches(dig(doc, self.path)) != self.negated

    def _matches(self, found: object) -> bool:
        if self.value is None or found is None:
            return found is self.value
        if self.operator in (":", "~"):
            ours, theirs = self.value.casefold(), str(found).casefold()
            return ours in theirs if self.operator == "~" else ours == theirs
        if not isinstance(found, int):
            return False
        limit = float(self.value)
        return {
            ">": found > limit, "<": found < limit, ">=": found >= limit, "<=": found <= limit,
        }[self.operator]  # fmt: skip


def parse(query: str) -> tuple[list[Term], bool]:
    """The terms, and whether all of them must hold (AND) or one (OR)."""
    terms, words, rest = [], set(), query
    while rest.strip():
        match = _TERM.match(rest)
        if not match:
            raise _unreadable(query)
        terms.append(_term(match))
        rest = rest[match.end() :]
        joined = _JOIN.match(rest)
        if joined:
            words.add(joined[1].upper())
            rest = rest[joined.end() :]
    if len(words) > 1:
        raise _unreadable(query)
    return terms, "OR" not in words


def _term(match: re.Match[str]) -> Term:
    key = match["key"]
    path = match["field"] + (f".{key}" if key is not None else "")
    text = match["text"]
    if text is None:
        value = None if match["bare"].lower() == "null" else match["bare"]
    else:
        value = re.sub(r"\\(.)", r"\1", text)
    return Term(path, match["op"], value, bool(match["not"]))


def _unreadable(query: str) -> errors.ApiError:
    return errors.unstored(
        errors.invalid(
            "We were unable to parse your search query. Try using the format "
            f'`metadata["key"]:"value"`. Your query: {query}',
            param="query",
        )
    )


def page(
    world: "World", kind: str, request: Request, keep: Callable[[Doc], bool] = lists.everything
) -> Doc:
    """One page of hits, newest first. Objects younger than the lag are not found yet."""
    terms, both = parse(request.params["query"])
    join = all if both else any
    horizon = world.clock.now() - world.delays.search_s
    rows = reversed(list(world.store.table(kind).oldest_first()))
    hits = [
        row
        for row in rows
        if row["created"] <= horizon and keep(row) and join(term.holds(row) for term in terms)
    ]
    limit = int(request.params.get("limit", 10))
    start = int(request.params.get("page", "0") or 0)
    more = len(hits) > start + limit
    return {
        "object": "search_result",
        "data": hits[start : start + limit],
        "has_more": more,
        "next_page": str(start + limit) if more else None,
        "url": request.path,
    }
