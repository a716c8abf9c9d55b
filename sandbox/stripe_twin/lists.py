"""Stripe's list answers: newest first, cursors, has_more, created filters."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.store import Key, Table, dig

Keep = Callable[[Doc], bool]

_DEFAULT = 10
_MOST = 100
_LATEST = (2**62, 2**62, "")


def everything(_: Doc) -> bool:
    return True


def page(
    table: Table,
    request: Request,
    *,
    by: Sequence[str] = (),
    keep: Keep = everything,
) -> Doc:
    """A list of a table, filtered by the indexed params named in `by` and by `keep`."""
    params = request.params
    given = [field for field in by if field in params]
    keys = table.keys_where(given[0], params[given[0]]) if given else table.order

    def wanted(doc: Doc) -> bool:
        paths = table.paths
        return all(dig(doc, paths[name]) == params[name] for name in given[1:]) and keep(doc)

    return cut(table, keys, request, wanted)


def cut(table: Table, keys: list[Key], request: Request, keep: Keep) -> Doc:
    """One page of sorted keys."""
    params = request.params
    limit = _limit(params)
    low, high = _window(keys, params.get("created"))
    if "ending_before" in params:
        start = bisect_right(keys, _cursor(table, params, "ending_before"))
        found = _take(table, (keys[i] for i in range(max(low, start), high)), keep, limit + 1)
        rows = found[:limit][::-1]
    else:
        if "starting_after" in params:
            high = min(high, bisect_left(keys, _cursor(table, params, "starting_after")))
        found = _take(table, (keys[i] for i in range(high - 1, low - 1, -1)), keep, limit + 1)
        rows = found[:limit]
    return of(rows, request.path, has_more=len(found) > limit)


def of(rows: list[Doc], url: str, *, has_more: bool) -> Doc:
    return {"object": "list", "data": rows, "has_more": has_more, "url": url}


def from_rows(rows: Iterable[Doc], request: Request) -> Doc:
    """A page of rows that are in no table, in the order given."""
    rows = list(rows)
    ids = [row["id"] for row in rows]
    after = request.params.get("starting_after")
    start = ids.index(after) + 1 if after in ids else 0
    limit = _limit(request.params)
    return of(rows[start : start + limit], request.path, has_more=len(rows) > start + limit)


def _limit(params: Doc) -> int:
    limit = int(params.get("limit", _DEFAULT))
    if not 1 <= limit <= _MOST:
        raise errors.unstored(
            errors.invalid(
                f"This value must be less than or equal to {_MOST} and at least 1.",
                param="limit",
                code="parameter_invalid_integer",
            )
        )
    return limit


def _cursor(table: Table, params: Doc, name: str) -> Key:
    key = table.key(params[name])
    if key is None:
        raise errors.missing("object", params[name], name)
    return key


def _window(keys: list[Key], created: int | Doc | None) -> tuple[int, int]:
    """Positions between which `created` fits."""
    if created is None:
        return 0, len(keys)
    bounds = {"gte": created, "lte": created} if isinstance(created, int) else created
    low, high = 0, len(keys)
    if "gt" in bounds:
        low = max(low, bisect_right(keys, (bounds["gt"], *_LATEST[1:])))
    if "gte" in bounds:
        low = max(low, bisect_left(keys, (bounds["gte"], 0, "")))
    if "lt" in bounds:
        high = min(high, bisect_left(keys, (bounds["lt"], 0, "")))
    if "lte" in bounds:
        high = min(high, bisect_right(keys, (bounds["lte"], *_LATEST[1:])))
    return low, high


def _take(table: Table, keys: Iterator[Key], keep: Keep, count: int) -> list[Doc]:
    rows = (table.rows[key[2]] for key in keys)
    return list(islice((row for row in rows if keep(row)), count))
