"""Keeps the state on disk: one line of changes after each call, rewritten compactly at start."""

import json
from pathlib import Path

from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.store import Store

_COMPACT = (",", ":")


class Journal:
    """Append-only. A line cut off by a crash is ignored, so each call is saved whole or not."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store

    def load(self) -> None:
        if self._path.exists():
            for line in self._path.read_bytes().split(b"\n")[:-1]:
                for name, row_id, doc in json.loads(line):
                    self._apply(name, row_id, doc)
        self.rewrite()
        self._store.log_changes = True

    def _apply(self, name: str, row_id: str, doc: Doc | None) -> None:
        if doc is not None:
            self._store.put(doc)
        elif self._store.get(name, row_id) is not None:
            # What was added and removed between two saves is only known here as removed.
            self._store.remove(name, row_id)

    def rewrite(self) -> None:
        """The whole state into a new file that then takes the old one's place."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w") as out:
            for name, table in self._store.tables.items():
                for row_id, doc in table.rows.items():
                    out.write(json.dumps([[name, row_id, doc]], separators=_COMPACT) + "\n")
        fresh.replace(self._path)

    def save(self) -> None:
        changes = self._store.changed
        if not changes:
            return
        rows = [[name, row_id, doc] for (name, row_id), doc in changes.items()]
        with self._path.open("a") as out:
            out.write(json.dumps(rows, separators=_COMPACT) + "\n")
        changes.clear()
