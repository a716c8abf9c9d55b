"""One-time codes that sign a customer in: mailed by the worker, tried at most five times."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from tortoise import connections
from tortoise.transactions import in_transaction

from amends import clock, jobs
from amends.flow import letters, outbox
from amends.gateways import mail_contexts
from amends.models import Account, MailItem, SignInCode

log = structlog.get_logger(__name__)

CODE_DIGITS: Final = 8
CODE_LIVES: Final = timedelta(minutes=10)
MAX_TRIES: Final = 5
# 16 MB and tens of milliseconds a guess: 10^8 codes outlive the ten minutes of one by far.
_SCRYPT_N: Final = 2**14
# Looked at when the browser holds no code that counts, so that the answer costs the same.
_NO_ROW: Final = {"id": 0, "salt": "0" * 32, "code_hash": "", "email": ""}


@dataclass(frozen=True)
class SignedIn:
    """Who a right code signs in."""

    account_id: int
    email: str


async def ask(email: str, browser: str, address: str) -> None:
    """Put the wish for a code down. Whether the address is known is looked up by the worker."""
    async with in_transaction():
        await jobs.defer(jobs.sign_in_code(normal(email), browser_hash(browser), address))


def normal(email: str) -> str:
    return email.strip().lower()


def browser_hash(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()


async def mail_code(email: str, browser_hash: str, address: str) -> None:
    """The worker's side: the same rows and the same work for every address; mail only to ours.

    `address` is where the wish came from; the mail names it, so that a stranger's wish is seen.
    """
    log.info("sign_in_code_asked", address=address)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    salt = secrets.token_hex(16)
    digest = await asyncio.to_thread(_digest, code, salt)
    now = clock.now()
    async with in_transaction():
        await SignInCode.create(
            email=email,
            code_hash=digest,
            salt=salt,
            browser_hash=browser_hash,
            created_at=now,
            expires_at=now + CODE_LIVES,
        )
        if await Account.filter(billing_email=email).exists():
            await outbox.mail_to(email, _code_mail(code, now, address))


def _code_mail(code: str, now: datetime, address: str) -> mail_contexts.SignInCode:
    minutes = CODE_LIVES // timedelta(minutes=1)
    return mail_contexts.SignInCode(
        letters.company(), letters.today(), code, now, now + CODE_LIVES, minutes, address
    )


def _digest(code: str, salt: str) -> str:
    made = hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), n=_SCRYPT_N, r=8, p=1, dklen=32)
    return made.hex()


# The try is counted before the guess is looked at, in one statement: of any number of parallel
# guesses at most five get a row back.
_COUNT_TRY = """
UPDATE sign_in_code SET tries = tries + 1
WHERE id = (SELECT max(id) FROM sign_in_code WHERE browser_hash = $1)
  AND tries < $2 AND used_at IS NULL AND expires_at > $3
RETURNING id, code_hash, salt, email
"""


async def check(browser: str, code: str) -> SignedIn | None:
    """Whom the code signs in, or None; a right code works once, in the browser that asked."""
    rows = await connections.get("default").execute_query_dict(
        _COUNT_TRY, [browser_hash(browser), MAX_TRIES, clock.now()]
    )
    row: dict[str, Any] = rows[0] if rows else _NO_ROW
    guess = await asyncio.to_thread(_digest, code, row["salt"])
    if not hmac.compare_digest(guess, row["code_hash"]) or not await _use_up(row["id"]):
        return None
    return await by_address(row["email"])


async def by_address(email: str) -> SignedIn | None:
    """Whom a proven address signs in: the holder of a registered billing address, or nobody."""
    account = await Account.filter(billing_email=normal(email)).order_by("id").first()
    return SignedIn(account.id, account.billing_email) if account else None


async def _use_up(code_id: int) -> bool:
    used = await SignInCode.filter(id=code_id, used_at=None).update(used_at=clock.now())
    return used == 1


async def tell_of_sign_in(email: str, address: str, user_agent: str) -> None:
    """A notice to the registered address, so that a stranger's sign-in is seen."""
    company = letters.company()
    device = browser_words(user_agent) + (f", from {address}" if address else "")
    account_page = f"{company.portal_url.rstrip('/')}/account"
    notice = mail_contexts.NewSignIn(company, letters.today(), clock.now(), device, account_page)
    async with in_transaction():
        await outbox.mail_to(email, notice)


_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """Firefox on Linux; the first name that fits, since most carry each other's."""
    name = next((words for mark, words in _BROWSERS if mark in user_agent), "")
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (name, system) if part) or "an unknown browser"


async def other_accounts(email: str, account_id: int) -> list[tuple[int, str]]:
    """Further organisations with the same registered address: id and name."""
    rows = (
        await Account.filter(billing_email=email)
        .exclude(id=account_id)
        .order_by("organisation")
        .values_list("id", "organisation")
    )
    return [(int(found), str(name)) for found, name in rows]


async def forget_old() -> int:
    """Housekeeping: a code that no longer works leaves the mail it was sent in, then its row."""
    now = clock.now()
    mails = MailItem.filter(kind=mail_contexts.SignInCode.kind, created_at__lt=now - CODE_LIVES)
    await mails.exclude(state="queued").update(context={})
    return await SignInCode.filter(expires_at__lt=now - timedelta(days=1)).delete()
