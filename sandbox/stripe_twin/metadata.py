"""Metadata semantics: merge by key, "" removes a key, metadata="" removes all."""

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.documents import Doc

_MAX_KEYS = 50
_MAX_NAME = 40
_MAX_VALUE = 500


def of(params: Doc) -> dict[str, str]:
    """The metadata of a new object."""
    return merged({}, params)


def merged(current: dict[str, str], params: Doc) -> dict[str, str]:
    """The metadata after an update."""
    if "metadata" not in params:
        return dict(current)
    given = params["metadata"]
    if given == "":
        return {}
    for name, value in given.items():
        _check(name, value)
    result = {k: v for k, v in {**current, **given}.items() if v != ""}
    if len(result) > _MAX_KEYS:
        raise errors.invalid(
            f"Metadata can have at most {_MAX_KEYS} keys; you passed {len(result)}.",
            param="metadata",
        )
    return result


def _check(name: str, value: str) -> None:
    if len(name) > _MAX_NAME:
        raise errors.invalid(
            f"Metadata keys can be up to {_MAX_NAME} characters; '{name}' is longer.",
            param=f"metadata[{name}]",
        )
    if len(value) > _MAX_VALUE:
        raise errors.invalid(
            f"Metadata values can have up to {_MAX_VALUE} characters, but you passed in a value "
            f"that is {len(value)} characters. Invalid value: {value}",
            param=f"metadata[{name}]",
        )
