"""Every mail is taken once, however often it is sent; and no sender is taken endlessly."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tortoise import connections
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from amends import access, clock, facts
from amends.gateways.inbox_mail import Mail
from amends.models import ExceptionItem, Message

MOST_FROM_ONE: Final = 60  # an hour
MOST_UNKNOWN: Final = 300  # an hour, all unknown senders together
ACKNOWLEDGEMENTS_A_DAY: Final = 2
_AN_HOUR_S: Final = 60 * 60
_A_DAY_S: Final = 24 * _AN_HOUR_S
INBOX_ID: Final = "system:inbox"


class Already(facts.Fact):
    """This mail was taken before; the sender only did not hear our yes."""


@asynccontextmanager
async def once(mail: Mail) -> AsyncIterator[None]:
    """One transaction for all that the mail leaves behind. Raises Already for a second copy."""
    async with in_transaction():
        # Two copies at the same time: the second waits here, then sees the first.
        await connections.get("default").execute_query(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [mail.message_id]
        )
        if await was_taken(mail):
            raise Already("This mail was taken before.")
        yield


async def was_taken(mail: Mail) -> bool:
    """Looks where mails leave their id.

    The verdict on the sender is part of what makes a copy: a forged mail that names the id of a
    true one must not make us believe that the true one was here.
    """
    written = Message.filter(mail_message_id=mail.message_id)
    same = Q(verified=True) | Q(author_id__in=[author_id(mail), INBOX_ID])
    if await written.filter(same).exists():
        return True
    if await ExceptionItem.filter(key=key(mail)).exists():
        return True
    drafts = await connections.get("default").execute_query_dict(
        "SELECT 1 FROM case_ WHERE channel = 'email' AND answers->>'mail' = $1 LIMIT 1",
        [mail.message_id],
    )
    return bool(drafts)


def author_id(mail: Mail) -> str:
    """Who wrote a message whose sender nobody vouches for."""
    return f"mail:{mail.dmarc}"


def key(mail: Mail) -> str:
    """What the mail is known by on the exceptions desk."""
    return f"mail:{_hash(mail.message_id, mail.sender, mail.dmarc)}"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


async def slow_down(mail: Mail) -> None:
    """Raises TooMany: the sender's server keeps the mail and sends it again later."""
    await _count(f"mail:from:{_hash(mail.sender, mail.dmarc)}", MOST_FROM_ONE)


async def slow_down_unknown() -> None:
    await _count("mail:unknown", MOST_UNKNOWN)


async def _count(name: str, most: int) -> None:
    at = int(clock.now().timestamp())
    start = at - at % _AN_HOUR_S
    if await access.hit_limit(name, start) > most:
        raise facts.TooMany("Too many mails in an hour.", start + _AN_HOUR_S - at)


_STAMP = """
INSERT INTO rate_limit (key, window_start, hits) VALUES ($1, $2, 1)
ON CONFLICT (key) DO UPDATE SET window_start = $2, hits = 1
WHERE rate_limit.window_start <= $2 - $3 RETURNING key
"""


async def may_acknowledge(address: str) -> bool:
    """One automatic mail to an address in any hour, two in a day. Asking takes the place."""
    name, at = f"mail:answered:{_hash(address)}", int(clock.now().timestamp())
    rows = await connections.get("default").execute_query_dict(_STAMP, [name, at, _AN_HOUR_S])
    if not rows:
        return False
    today = await access.hit_limit(f"{name}:day", at - at % _A_DAY_S)
    return today <= ACKNOWLEDGEMENTS_A_DAY
