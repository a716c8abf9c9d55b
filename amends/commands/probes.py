"""Looks at the settings and at each neighbour; says `ok` or the one thing to do."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
import httpx2
import psycopg
from obstore.exceptions import BaseError

from amends import anchors, clock, database, facts, pooler, roles, starting
from amends.gateways import files
from amends.rights import Process
from amends.settings import Settings

PATIENCE_S = 10
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Finding:
    """`todo` is empty when all is well; `note` says what was seen."""

    name: str
    note: str = ""
    todo: str = ""

    @property
    def ok(self) -> bool:
        return not self.todo


Probe = Callable[[Settings], Awaitable[Finding]]


async def settings_complete(settings: Settings, process: Process) -> Finding:
    """Nothing is missing, and nothing there that this process refuses to start with."""
    missing = [name for name, value in _needed(settings).items() if not value]
    if missing:
        return Finding("settings", todo=f"Set {', '.join(missing)}. The README says what each is.")
    plain = [n for n in ("portal_url", "backoffice_url") if _unprotected(getattr(settings, n))]
    if plain:
        names = " and ".join(f"AMENDS_{name.upper()}" for name in plain)
        return Finding("settings", todo=f"Serve over https: change {names}.")
    if reasons := starting.refusals(settings, process, clock.now().date()):
        return Finding("settings", todo=" ".join(reasons))
    return Finding("settings", settings.company_name)


def _needed(settings: Settings) -> dict[str, str]:
    return {
        "AMENDS_SECRET_KEY": settings.secret_key.get_secret_value(),
        "AMENDS_STRIPE_SECRET_KEY": settings.stripe_secret_key.get_secret_value(),
        "AMENDS_STRIPE_WEBHOOK_SECRET": settings.stripe_webhook_secret.get_secret_value(),
        "AMENDS_OIDC_ISSUER": settings.oidc_issuer,
        "AMENDS_OIDC_CLIENT_ID": settings.oidc_client_id,
        "AMENDS_SMTP_URL": settings.smtp_url,
        "AMENDS_FILES_URL": settings.files_url,
    }


def _unprotected(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme != "https" and parts.hostname not in _LOOPBACK


async def database_current(settings: Settings) -> Finding:
    try:
        applied, queue = await asyncio.to_thread(_applied, database.url(settings))
    except psycopg.Error:
        words = "It does not answer. Check AMENDS_DATABASE_URL and that PostgreSQL runs there."
        return Finding("database", todo=words)
    newest = sorted(_migrations())[-1]
    if missing := _migrations() - applied:
        return Finding("database", todo=f"It lacks {', '.join(sorted(missing))}. {_MIGRATE}")
    if ahead := applied - _migrations():
        words = f"It is newer than this program ({', '.join(sorted(ahead))}). Install that version."
        return Finding("database", todo=words)
    if not queue:
        return Finding("database", todo=f"The tables of the job queue are missing. {_MIGRATE}")
    return Finding("database", f"at {newest}")


async def process_rights(settings: Settings, process: Process) -> Finding:
    """Whether this process comes as a user of its own. It also runs, less safely, as the owner."""
    try:
        seen = await asyncio.to_thread(_standing, database.url(settings, process))
    except psycopg.Error:
        return Finding("rights", todo="The database does not answer.")
    if not seen.roles_exist:
        return Finding("rights", f"{_NOT_APART}: an administrator has to make the roles")
    if seen.process not in (None, process):
        words = f"AMENDS_DATABASE_URL names the {seen.process}'s user. Give the {process} its own."
        return Finding("rights", todo=words)
    if seen.process is None:
        words = f"{_NOT_APART}: grant {process.role} to a user of its own"
        return Finding("rights", f"{words}, see docs/OPERATIONS.md")
    return Finding("rights", f"those of {process.role}")


_NOT_APART = "the processes are not kept apart"


def _standing(url: str) -> roles.Standing:
    with psycopg.connect(pooler.libpq(url), connect_timeout=PATIENCE_S) as connection:
        return roles.standing(connection)


async def history_anchors(settings: Settings) -> Finding:
    """Where the nightly anchors are, and whether the file holds together."""
    file = anchors.path(settings)
    book = await asyncio.to_thread(anchors.read, file)
    if book.faults:
        words = f"{book.faults[0].capitalize()} in {file}. Compare with the mailed hashes."
        return Finding("anchors", todo=words)
    last = f"last {book.anchors[-1].at}" if book.anchors else "none yet"
    mailed = f"mailed to {settings.audit_mail}" if settings.audit_mail else "not mailed"
    return Finding("anchors", f"{file}, {last}, {mailed}")


_MIGRATE = "Run `amends migrate`."


def _migrations() -> set[str]:
    folder = Path(__file__).parent.parent / "migrations"
    return {path.stem for path in folder.glob("[0-9]*.py")}


def _applied(url: str) -> tuple[set[str], bool]:
    with psycopg.connect(pooler.libpq(url), connect_timeout=PATIENCE_S) as connection:
        found = connection.execute(
            "SELECT to_regclass('tortoise_migrations') IS NOT NULL, "
            "to_regclass('procrastinate_jobs') IS NOT NULL"
        ).fetchone()
        ours, queue = found or (False, False)
        names = connection.execute("SELECT name FROM tortoise_migrations") if ours else ()
        return {str(row[0]) for row in names}, bool(queue)


async def mail_server(settings: Settings) -> Finding:
    parts = urlsplit(settings.smtp_url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        words = "Write AMENDS_SMTP_URL like smtp://user:password@mail.company.example:587."
        return Finding("mail", todo=words)
    secure = parts.scheme == "smtps"
    client = aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or (465 if secure else 587),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=secure,
        timeout=PATIENCE_S,
    )
    try:
        await client.connect()
        await client.quit()
    except aiosmtplib.SMTPAuthenticationError:
        words = "The mail server refuses the name or password in AMENDS_SMTP_URL."
        return Finding("mail", todo=words)
    except (aiosmtplib.SMTPException, OSError):
        words = f"No mail server answers at {parts.hostname}. Check AMENDS_SMTP_URL."
        return Finding("mail", todo=words)
    return Finding("mail", parts.hostname)


async def identity_provider(settings: Settings) -> Finding:
    issuer = settings.oidc_issuer.rstrip("/")
    if _unprotected(issuer):
        return Finding("sign-in", todo="AMENDS_OIDC_ISSUER has to begin with https://.")
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:
            answer = await client.get(f"{issuer}/.well-known/openid-configuration")
        known = answer.json() if answer.is_success else {}
    except (httpx2.HTTPError, ValueError):
        known = {}
    if not known:
        words = f"No identity provider answers at {issuer}. Check AMENDS_OIDC_ISSUER."
        return Finding("sign-in", todo=words)
    if str(known.get("issuer", "")).rstrip("/") != issuer:
        words = f"The provider calls itself {known.get('issuer')}: write AMENDS_OIDC_ISSUER so."
        return Finding("sign-in", todo=words)
    lacking = [
        n for n in ("authorization_endpoint", "token_endpoint", "jwks_uri") if n not in known
    ]
    if lacking:
        return Finding(
            "sign-in", todo=f"The provider names no {lacking[0]}. Use an OpenID provider."
        )
    if not settings.second_factors:
        return Finding("sign-in", f"{issuer}; AMENDS_OIDC_SECOND_FACTOR is empty: not looked for")
    return Finding("sign-in", issuer)


async def files_store(settings: Settings) -> Finding:
    """Writes, reads and deletes one small file."""
    key, content = f"check/{secrets.token_urlsafe(12)}", secrets.token_bytes(16)
    try:
        store = files.Store(settings.files_url)
        await store.put(key, content, "application/octet-stream")
        found = await store.get(key)
        await store.delete(key)
    except (facts.Fact, BaseError, ValueError, OSError):
        words = "Files cannot be written and read. Check AMENDS_FILES_URL and its credentials."
        return Finding("files", todo=words)
    if found != content:
        return Finding("files", todo="The store returns other bytes than it was given. Replace it.")
    return Finding("files", urlsplit(settings.files_url).scheme)


async def look(probe: Probe, settings: Settings, name: str) -> Finding:
    """A probe with a bound on its time: a neighbour that hangs is one that does not answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * PATIENCE_S):
            return await probe(settings)
    return Finding(name, todo="It took too long to answer. Try again, then look at that server.")
