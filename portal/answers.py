"""Small things all handlers share: who asks, and forms that are shown again."""

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from amends.flow.attachment import Upload
from amends.rules import card_numbers
from web import forms, pages

# A file over ten megabytes gets a sentence at its field; only what is far larger is cut off.
MAX_UPLOAD = 26 * 1024 * 1024


def again(request: Request[Any], template: str, form: forms.Form[Any], **context: Any) -> Response:
    """The page with what was typed and one sentence per field, and no card number echoed."""
    return pages.page(request, template, 422, form=masked(form), **context)


def masked(form: forms.Form[Any]) -> forms.Form[Any]:
    """The same form with card numbers taken out of what goes back into the fields."""
    raw = {name: card_numbers.mask(text) for name, text in form.raw.items()}
    return forms.Form(raw, form.errors, form.files, form.lists)


async def uploads(files: Sequence[UploadFile]) -> list[Upload]:
    """Posted files as plain values."""
    return [
        Upload(file.filename or "", file.content_type or "", await file.read()) for file in files
    ]
