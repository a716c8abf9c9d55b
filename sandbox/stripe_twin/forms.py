"""Bodies and query strings in Stripe's form encoding: a[b][0][c]=value, and multipart files."""

from typing import Any
from urllib.parse import unquote_plus

from python_multipart.multipart import MultipartParser, parse_options_header

from sandbox.stripe_twin import errors

Form = dict[str, Any]


def decode(text: str) -> Form:
    """application/x-www-form-urlencoded into nested dicts; lists become numbered dicts."""
    form: Form = {}
    if text:
        for pair in text.split("&"):
            name, _, value = pair.partition("=")
            if name:
                _place(form, _path(unquote_plus(name)), unquote_plus(value))
    return form


def _path(name: str) -> list[str]:
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    return [head, *rest.rstrip("]").split("][")]


def _place(form: Form, path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = form.setdefault(part, {})
        if not isinstance(inner, dict):
            raise errors.unstored(errors.invalid(f"Invalid hash: {part}", param=part))
        form = inner
    last = path[-1] if path[-1] != "" else str(len(form))
    form[last] = value


def decode_multipart(body: bytes, content_type: str) -> Form:
    """multipart/form-data; a file becomes {"name": …, "data": bytes}."""
    _, options = parse_options_header(content_type)
    reader = _Reader()
    parser = MultipartParser(options[b"boundary"], reader.callbacks())
    parser.write(body)
    parser.finalize()
    return reader.form


class _Reader:
    """Collects the parts of one multipart body."""

    def __init__(self) -> None:
        self.form: Form = {}
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = self._data = b""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_field,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._on_data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers, self._data = {}, b""

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options[b"name"].decode()
        if b"filename" in options:
            value: Any = {"name": options[b"filename"].decode(), "data": self._data}
        else:
            value = self._data.decode()
        _place(self.form, _path(name), value)
