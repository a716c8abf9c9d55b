"""What every control page shows, and how a button answers: do it, note it, go back."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox import pages
from sandbox.control.outside import Done, Outside
from sandbox.control.steps import STEPS


def page(request: Request, template: str, **context: object) -> Response:
    """A page with the clock on it, and with what the last button did."""
    outside: Outside = request.app.state.outside
    shared: dict[str, object] = {
        "now": outside.clock.now(),
        "ahead": ahead(outside.clock.offset_s()),
        "zone": str(pages.ZONE).rpartition("/")[2].replace("_", " ") + " time",
        "links": outside.links,
        "steps": STEPS,
        "done": _done(outside, request.query_params.get("did", "")),
    }
    return pages.page(request, template, 200, **shared, **context)


def done(request: Request, sentence: str, *, back: str) -> Response:
    """Only the number of the note travels in the address: no text can be planted there."""
    outside: Outside = request.app.state.outside
    outside.note(sentence)
    return pages.see_other(f"{back}?did={len(outside.log)}")


def number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _done(outside: Outside, did: str) -> Done | None:
    return outside.log[number(did) - 1] if 1 <= number(did) <= len(outside.log) else None


def ahead(offset_s: int) -> str:
    days, rest_s = divmod(offset_s, 86_400)
    hours = rest_s // 3600
    parts = [
        f"{n} {word}{'' if n == 1 else 's'}" for n, word in ((days, "day"), (hours, "hour")) if n
    ]
    return " and ".join(parts) + " ahead" if parts else "not moved"
