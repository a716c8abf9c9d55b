"""A posted form becomes a checked value, or the same page again with one sentence per field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, core_schema
from starlette.datastructures import Headers, ImmutableMultiDict, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from web import security

T = TypeVar("T", bound=BaseModel)

WHOLE_FORM = "form"  # errors that belong to no single field
_MAX_FIELDS = 200
_EXTRA_FILES = 20  # read a few too many, so that the page can say so and keep the rest
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SENTENCES = {
    "missing": "Enter {label}",
    "choose": "Choose {label}",
    "literal_error": "Choose {label}",
    "enum": "Choose {label}",
    "string_too_short": "Enter {label} with {min_length} characters or more",
    "string_too_long": "Shorten {label} to {max_length} characters or fewer",
    "too_short": "Choose {label}",
    "int_parsing": "Enter {label} as a whole number",
    "int_from_float": "Enter {label} as a whole number",
    "decimal_parsing": "Enter {label} as a number",
    "bool_parsing": "Choose {label}",
    "greater_than": "Enter {label} above {gt}",
    "greater_than_equal": "Enter {label} of {ge} or more",
    "less_than": "Enter {label} below {lt}",
    "less_than_equal": "Enter {label} of {le} or less",
    "control": "Take the invisible characters out of {label}",
}
_DATE = "Enter {label} as a date, like 2026-11-23"
_OTHER = "Check {label}"
_PYDANTIC_KINDS = frozenset(get_args(core_schema.ErrorType))


class FormModel(BaseModel):
    """A base for form models; `bind` holds any pydantic model to the same rules."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


@dataclass(frozen=True)
class Form(Generic[T]):
    """What was posted. `raw` goes back into the fields, `errors` beside them."""

    raw: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[UploadFile]] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    value: T | None = None

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def data(self) -> T:
        if self.value is None or self.errors:
            raise ValueError("The form has errors; show it again")
        return self.value

    def failed(self, errors: Mapping[str, str]) -> "Form[T]":
        """The same form with what the domain found wrong."""
        return Form(self.raw, self.errors | dict(errors), self.files, self.lists)


def failed(raw: Mapping[str, str], errors: Mapping[str, str]) -> Form[Any]:
    """A form to show again, made by hand."""
    return Form(dict(raw), dict(errors))


def blank(**raw: str) -> Form[Any]:
    """An empty form for the first visit, with what is known already filled in."""
    return Form(dict(raw))


async def bind(request: Request[Any], model: type[T], *, max_files: int = 0) -> Form[T]:
    """Read and check a posted form. Unknown and repeated fields are refused with 422."""
    _require_form(request.headers)
    posted = await request.form(
        max_files=max_files + _EXTRA_FILES,
        max_fields=_MAX_FIELDS,
        max_part_size=security.body_limit(request),
    )
    words, files = _separate(posted)
    form = _check(words, model, files)
    if sum(len(several) for several in files.values()) > max_files:
        return form.failed({next(iter(files)): _too_many(max_files)})
    return form


def query(request: Request[Any], model: type[T]) -> Form[T]:
    """Check the query the same way; names the model does not know are left out."""
    words = _grouped(request.query_params.multi_items())
    return _check({name: words[name] for name in words if name in _names(model)}, model, {})


def _require_form(headers: Headers) -> None:
    """A form, or nothing at all: a button alone may post an empty body."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    if kind not in _FORMS and (kind or not empty):
        raise HTTPException(415)


def _too_many(max_files: int) -> str:
    if max_files == 0:
        return "Files cannot be added here"
    return "Add one file at a time" if max_files == 1 else f"Add {max_files} files at most"


def _separate(
    posted: ImmutableMultiDict[str, str | UploadFile],
) -> tuple[dict[str, list[str]], dict[str, list[UploadFile]]]:
    files: dict[str, list[UploadFile]] = {}
    words: list[tuple[str, str]] = []
    for name, value in posted.multi_items():
        if isinstance(value, str):
            words.append((name, value))
        elif value.filename:  # browsers send an empty part for an empty file field
            files.setdefault(name, []).append(value)
    return _grouped(words), files


def _grouped(items: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in items:
        grouped.setdefault(name, []).append(value.replace("\r\n", "\n").strip())
    return grouped


def _check(
    words: dict[str, list[str]], model: type[T], files: dict[str, list[UploadFile]]
) -> Form[T]:
    fields = _names(model)
    several = {name for name, info in fields.items() if _is_list(info)}
    _refuse_strange(words, fields, several)
    raw = {name: values[0] for name, values in words.items()}
    lists = {name: values for name, values in words.items() if name in several}
    if controls := _controls(words, fields):
        return Form(raw, controls, files, lists)
    # A field left empty is a field not given: its default counts, or it is missing.
    given = {
        name: (values if name in several else values[0])
        for name, values in words.items()
        if any(values)
    }
    try:
        return Form(raw, {}, files, lists, model.model_validate(given))
    except ValidationError as error:
        return Form(raw, _sentences(error, fields), files, lists)


def _names(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _is_list(info: FieldInfo) -> bool:
    return get_origin(info.annotation) in (list, tuple, set, frozenset)


def _refuse_strange(
    words: dict[str, list[str]], fields: dict[str, FieldInfo], several: set[str]
) -> None:
    """No page of ours sends these, so there is no page to show again."""
    if set(words) - set(fields):
        raise HTTPException(422)
    if any(len(values) > 1 for name, values in words.items() if name not in several):
        raise HTTPException(422)


def _controls(words: dict[str, list[str]], fields: dict[str, FieldInfo]) -> dict[str, str]:
    """PostgreSQL cannot store NUL, and nobody types the others."""
    return {
        name: _SENTENCES["control"].format(label=_label(name, fields[name]))
        for name, values in words.items()
        if any(_CONTROL.search(value) for value in values)
    }


def _sentences(error: ValidationError, fields: dict[str, FieldInfo]) -> dict[str, str]:
    """One sentence per field, the first that applies."""
    found: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        name = _field_of(detail)
        found.setdefault(name, _sentence(detail, name, fields.get(name)))
    return found


def _field_of(detail: ErrorDetails) -> str:
    if detail["loc"]:
        return str(detail["loc"][0])
    return str(detail.get("ctx", {}).get("field", WHOLE_FORM))


def _sentence(detail: ErrorDetails, name: str, info: FieldInfo | None) -> str:
    """The field's own words, else the validator's, else ours for this kind of mistake."""
    kind = detail["type"]
    own = info.json_schema_extra if info and isinstance(info.json_schema_extra, dict) else {}
    if said := own.get(kind) or own.get("error"):
        return str(said)
    context = detail.get("ctx", {})
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    pattern = _pattern(kind, info)
    if pattern is None:
        return detail["msg"]  # raised as PydanticCustomError: already a sentence of ours
    return pattern.format(**({"label": _label(name, info)} | context))


def _pattern(kind: str, info: FieldInfo | None) -> str | None:
    if kind == "missing" and info is not None and _is_choice(info):
        kind = "choose"
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind.startswith("date"):
        return _DATE
    return _OTHER if kind in _PYDANTIC_KINDS else None


def _is_choice(info: FieldInfo) -> bool:
    kind = info.annotation
    if isinstance(kind, type):
        return issubclass(kind, Enum) or kind is bool
    return get_origin(kind) is Literal or _is_list(info)


def _label(name: str, info: FieldInfo | None) -> str:
    if info is not None and info.title:
        return info.title
    return "the " + name.replace("_", " ").replace("-", " ")
