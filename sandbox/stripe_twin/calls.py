"""A call and its answer, free of any transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.stripe_twin.documents import Doc


@dataclass(frozen=True)
class Call:
    """One HTTP request to the API. Header names are lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Request:
    """What a handler sees: checked parameters and the ids in the path."""

    params: Doc
    ids: tuple[str, ...]
    request_id: str = ""
    idempotency_key: str | None = None
    path: str = ""
    files: Doc = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.ids[0]
