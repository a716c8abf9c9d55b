"""expand[]: ids become objects, level by level; lists that Stripe leaves out unless asked."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.stripe_twin import errors, lists, sdk
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Id prefix -> table.
_HOMES = {
    "ch": "charge", "pi": "payment_intent", "re": "refund", "cus": "customer",
    "pm": "payment_method", "seti": "setup_intent", "cs": "checkout.session", "du": "dispute",
    "sub": "subscription", "in": "invoice", "txn": "balance_transaction", "cn": "credit_note",
    "cbtxn": "customer_balance_transaction", "price": "price", "prod": "product",
    "file": "file", "mandate": "mandate", "setatt": "setup_attempt", "inpay": "invoice_payment",
    "si": "subscription_item",
}  # fmt: skip

_DEEPEST = 4


def _refunds(world: "World", charge: Doc) -> Doc:
    rows = world.store.table("refund").where("charge", charge["id"])[::-1]
    return lists.of(rows[:10], f"/v1/charges/{charge['id']}/refunds", has_more=len(rows) > 10)


def _payments(world: "World", invoice: Doc) -> Doc:
    rows = world.store.table("invoice_payment").where("invoice", invoice["id"])
    url = f"/v1/invoice_payments?invoice={invoice['id']}"
    return lists.of(rows, url, has_more=False)


def _subscriptions(world: "World", customer: Doc) -> Doc:
    rows = world.store.table("subscription").where("customer", customer["id"])[::-1]
    live = [row for row in rows if row["status"] != "canceled"]
    return lists.of(live, f"/v1/customers/{customer['id']}/subscriptions", has_more=False)


# Lists that are in the answer only when expanded.
_LISTS: dict[tuple[str, str], Callable[["World", Doc], Doc]] = {
    ("charge", "refunds"): _refunds,
    ("invoice", "payments"): _payments,
    ("customer", "subscriptions"): _subscriptions,
}


def apply(world: "World", answer: Doc, paths: list[str]) -> Doc:
    """The answer with each path expanded; the stored objects stay as they are."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST + 1:
            raise errors.unstored(
                errors.invalid(
                    "You cannot expand more than 4 levels of a property.", param="expand"
                )
            )
        answer = _into(world, answer, parts, path)
    return answer


def _into(world: "World", value: Any, parts: list[str], path: str) -> Any:
    if isinstance(value, list):
        return [_into(world, row, parts, path) for row in value]
    if not parts or value is None:
        return value
    name, rest = parts[0], parts[1:]
    if not isinstance(value, dict):
        raise _cannot(path)
    below = _child(world, value, name, path)
    if below is None:
        return value
    return {**value, name: _into(world, below, rest, path)}


def _child(world: "World", holder: Doc, name: str, path: str) -> Any:
    if name in holder:
        child = holder[name]
        if isinstance(child, list) and child and isinstance(child[0], str):
            return [_load(world, row) or row for row in child]
        return _load(world, child) if isinstance(child, str) else child
    listing = _LISTS.get((str(holder.get("object")), name))
    if listing:
        return listing(world, holder)
    resource = sdk.resource_class(str(holder.get("object")))
    if resource and name in resource.__annotations__:
        return None
    raise _cannot(path)


def _load(world: "World", row_id: str) -> Doc | None:
    home = _HOMES.get(row_id.partition("_")[0])
    if home is None:
        raise _cannot(row_id)
    return world.store.get(home, row_id)


def _cannot(path: str) -> errors.ApiError:
    return errors.invalid(f"This property cannot be expanded ({path}).", param="expand")
