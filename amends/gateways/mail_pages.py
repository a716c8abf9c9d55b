"""The texts of a mail: subject, plain text and HTML, rendered from templates/mail."""

import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import dates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from amends import settings
from amends.gateways import mail_contexts, plain_text
from amends.rules import money, promises

_LONGEST_SUBJECT: Final = 150  # more is cut off by every mail program


@dataclass(frozen=True)
class Texts:
    """A mail in words. `text` and `html` say the same."""

    subject: str
    text: str
    html: str


def render(mail: mail_contexts.Mail) -> Texts:
    """The texts of `mail`. A name that a template misspells is an error, never an empty place."""
    clean = _clean(mail)
    assert isinstance(clean, mail_contexts.Mail)
    words = {field.name: getattr(clean, field.name) for field in dataclasses.fields(clean)}
    names = {**words, "mail": clean, "promises": promises}
    subject = plain_text.line(_rendered("subject.txt", mail.kind, names))[:_LONGEST_SUBJECT]
    return Texts(
        subject=subject,
        text=plain_text.prose(_rendered("body.txt", mail.kind, names)) + "\n",
        html=_rendered("body.html", mail.kind, {**names, "subject": subject}),
    )


def _rendered(part: str, kind: str, names: dict[str, object]) -> str:
    return _pages().get_template(f"{kind}/{part}").render(names)


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(settings.project_root() / "templates" / "mail"),
        # Only HTML is escaped: a name with & must read as & in plain text.
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(money=money.format_money, day=_day, moment=_moment)
    return pages


def _day(day: date, today: date) -> str:
    return promises.day_words(day, today)


def _moment(at: datetime, time_zone: str) -> str:
    """10:02 am EST on Tue, Nov 24, 2026"""
    local = at.astimezone(ZoneInfo(time_zone))
    clock = dates.format_datetime(local, "h:mm a", locale="en_US").lower()
    day = dates.format_date(local.date(), "EEE, MMM d, y", locale="en_US")
    return f"{clock} {local.tzname()} on {day}".replace("\u202f", " ")


def _clean(value: object, name: str = "") -> object:
    """The same value with every text in it made safe to mail: no controls, one line or prose."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return plain_text.prose(value) if name in mail_contexts.PROSE else plain_text.line(value)
    if isinstance(value, tuple):
        return tuple(_clean(each, name) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        texts = {field.name: _clean(getattr(value, field.name), field.name) for field in fields}
        return dataclasses.replace(value, **texts)
    return value
