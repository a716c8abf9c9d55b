"""Objects with every field Stripe sends, null where nothing is said; read off the SDK's classes."""

from functools import cache
from typing import Any

from sandbox.stripe_twin import drift, errors, sdk
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.store import Store


def make(kind: str, **fields: Any) -> Doc:
    """A resource: its nullable fields as null, then what is given."""
    return {**dict.fromkeys(_nullable(kind, "")), "object": kind, **fields}


def part(kind: str, inner: str, **fields: Any) -> Doc:
    """An object inside a resource, e.g. part("charge", "PaymentMethodDetails.Card", …)."""
    return {**dict.fromkeys(_nullable(kind, inner)), **fields}


@cache
def _nullable(kind: str, inner: str) -> tuple[str, ...]:
    found: Any = sdk.resource_class(kind)
    for name in inner.split(".") if inner else ():
        found = getattr(found, name)
    fields = drift.fields_of(found, kind, inner)
    return tuple(name for name, field in fields.items() if field.must_be_sent_as_null)


def load(store: Store, kind: str, row_id: str, param: str, *, called: str = "") -> Doc:
    """The stored object, or Stripe's 404."""
    doc = store.get(kind, row_id)
    if doc is None:
        raise errors.missing(called or kind, row_id, param)
    return doc


def assign(doc: Doc, params: Doc, names: tuple[str, ...]) -> Doc:
    """Copies plain parameters into an object; "" unsets. Returns the values that changed."""
    previous: Doc = {}
    for name in names:
        if name in params:
            value = None if params[name] == "" else params[name]
            if doc.get(name) != value:
                previous[name] = doc.get(name)
                doc[name] = value
    return previous


def address(given: Doc | None) -> Doc | None:
    if not given:
        return None
    return {**dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")), **given}
