"""The one loose type of the twin: a Stripe object as the JSON it is on the wire."""

import marshal
from typing import Any, cast

# Stripe's objects are open JSON; their shapes are checked against the SDK by drift.py.
Doc = dict[str, Any]


def copy(doc: Doc) -> Doc:
    """A deep copy. marshal is ten times faster than copy.deepcopy on plain JSON."""
    return cast(Doc, marshal.loads(marshal.dumps(doc)))
