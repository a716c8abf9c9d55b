"""Tables of Stripe objects in memory: newest-first order, field indexes, and a list of changes."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from sandbox.stripe_twin.documents import Doc

Key = tuple[int, int, str]

# What lists filter by, and where in the object it stands. Each gets an index, so that a list
# costs its page and not the table.
INDEXED: dict[str, dict[str, str]] = {
    "balance_transaction": {"source": "source", "type": "type", "currency": "currency"},
    "charge": {"customer": "customer", "payment_intent": "payment_intent"},
    "checkout.session": {
        "customer": "customer",
        "setup_intent": "setup_intent",
        "payment_intent": "payment_intent",
        "status": "status",
    },
    "credit_note": {"customer": "customer", "invoice": "invoice"},
    "customer": {"email": "email"},
    "customer_balance_transaction": {"customer": "customer", "invoice": "invoice"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "event": {"type": "type"},
    "file": {"purpose": "purpose"},
    "invoice": {
        "customer": "customer",
        "subscription": "parent.subscription_details.subscription",
        "status": "status",
    },
    "invoice_payment": {"invoice": "invoice", "payment_intent": "payment.payment_intent"},
    "payment_intent": {"customer": "customer"},
    "payment_method": {"customer": "customer"},
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "subscription": {"customer": "customer", "status": "status"},
}


def dig(doc: Doc, path: str) -> object:
    """The value at a dotted path, None where something is missing on the way."""
    value: object = doc
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


class Table:
    """One kind of object."""

    def __init__(self, name: str) -> None:
        self.rows: dict[str, Doc] = {}
        self.order: list[Key] = []
        self.paths = INDEXED.get(name, {})
        self.index: dict[str, dict[object, list[Key]]] = {field: {} for field in self.paths}
        self._keys: dict[str, Key] = {}
        self._values: dict[str, tuple[object, ...]] = {}
        self._next = 0

    def add(self, doc: Doc) -> None:
        self._next += 1
        key = (int(doc["created"]), self._next, str(doc["id"]))
        self.rows[key[2]] = doc
        self._keys[key[2]] = key
        insort(self.order, key)
        self._enter(key, self._read(doc))

    def reindex(self, doc: Doc) -> None:
        """After a change in place: move the row to its new index entries."""
        key = self._keys[doc["id"]]
        self.rows[key[2]] = doc
        values = self._read(doc)
        if values != self._values[key[2]]:
            self._leave(key)
            self._enter(key, values)

    def remove(self, row_id: str) -> None:
        key = self._keys.pop(row_id)
        self._leave(key)
        del self.rows[row_id]
        del self.order[bisect_left(self.order, key)]

    def _read(self, doc: Doc) -> tuple[object, ...]:
        return tuple(
            dig(doc, path) if "." in path else doc.get(path) for path in self.paths.values()
        )

    def _enter(self, key: Key, values: tuple[object, ...]) -> None:
        self._values[key[2]] = values
        for field, value in zip(self.paths, values, strict=True):
            insort(self.index[field].setdefault(value, []), key)

    def _leave(self, key: Key) -> None:
        for field, value in zip(self.paths, self._values.pop(key[2]), strict=True):
            keys = self.index[field][value]
            del keys[bisect_left(keys, key)]

    def keys_where(self, field: str, value: object) -> list[Key]:
        """Oldest first."""
        return self.index[field].get(value, [])

    def where(self, field: str, value: object) -> list[Doc]:
        """Rows with that value, oldest first."""
        return [self.rows[key[2]] for key in self.keys_where(field, value)]

    def key(self, row_id: str) -> Key | None:
        return self._keys.get(row_id)

    def oldest_first(self) -> Iterator[Doc]:
        return (self.rows[key[2]] for key in self.order)


class Store:
    """All tables, and what changed since the last save."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.changed: dict[tuple[str, str], Doc | None] = {}
        self.log_changes = False

    def table(self, name: str) -> Table:
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = Table(name)
        return table

    def add(self, doc: Doc) -> Doc:
        self.table(doc["object"]).add(doc)
        self._log(doc["object"], doc["id"], doc)
        return doc

    def touch(self, doc: Doc) -> None:
        """Must be called after every change in place."""
        self.table(doc["object"]).reindex(doc)
        self._log(doc["object"], doc["id"], doc)

    def put(self, doc: Doc) -> None:
        """Add, or touch if it is there."""
        if doc["id"] in self.table(doc["object"]).rows:
            self.touch(doc)
        else:
            self.add(doc)

    def get(self, name: str, row_id: str) -> Doc | None:
        return self.table(name).rows.get(row_id)

    def remove(self, name: str, row_id: str) -> None:
        self.table(name).remove(row_id)
        self._log(name, row_id, None)

    def _log(self, name: str, row_id: str, doc: Doc | None) -> None:
        if self.log_changes:
            self.changed[name, row_id] = doc
