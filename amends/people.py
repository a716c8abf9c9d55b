"""Members of staff: known by issuer and subject, with the roles their groups gave at sign-in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts
from amends.models import Person
from amends.rules.people import Role

# Groups of the identity provider. Claims called "roles" or anything else are never looked at.
GROUPS: Mapping[str, Role] = {
    "amends-agents": Role.AGENT,
    "amends-leads": Role.LEAD,
    "amends-managers": Role.MANAGER,
    "amends-security": Role.SECURITY,
    "amends-account-managers": Role.ACCOUNT_MANAGER,
    "amends-csm": Role.CSM,
    "amends-auditors": Role.AUDITOR,
    "amends-admins": Role.ADMIN,
}
SECOND_IDENTITY = "second_identity"


@dataclass(frozen=True)
class Identity:
    """What the identity provider said about somebody, already verified by the door."""

    issuer: str
    subject: str
    email: str
    name: str
    groups: tuple[str, ...] = ()
    auth_time: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """One line of the list of people."""

    id: int
    name: str
    email: str
    roles: tuple[Role, ...]
    active: bool
    created_at: datetime
    last_seen_at: datetime | None
    shortcuts: bool = field(default=True, compare=False)


def roles_of(groups: Iterable[str]) -> tuple[Role, ...]:
    given = {GROUPS[group] for group in groups if group in GROUPS}
    return tuple(role for role in Role if role in given)


async def sign_in(identity: Identity) -> Seen:
    """The person behind the identity, with the roles of this sign-in written down.

    Raises Refused for somebody without a role here, for one who was disabled, and for a second
    identity with the address of a person who is already known: an administrator has to look.
    """
    roles = roles_of(identity.groups)
    if not roles:
        raise facts.Refused(
            "Your account has no role in this desk. Ask an administrator for one of its groups."
        )
    await _refuse_second(identity)
    async with in_transaction():
        person = await _known(identity)
        if not person.active:
            raise facts.Refused("Your account is switched off. Ask an administrator.")
        await _write(person, identity, roles)
    return _seen(person)


async def _refuse_second(identity: Identity) -> None:
    email = identity.email.lower()
    same = Q(issuer=identity.issuer, subject=identity.subject)
    if not await Person.filter(~same, email=email, active=True).exists():
        return
    await exceptions_desk.tell(
        SECOND_IDENTITY,
        email,
        f"{identity.name} signed in as {identity.subject}, but {email} belongs to somebody who "
        "is already known under another sign-in. Nobody was let in.",
    )
    raise facts.Refused(
        "This address already belongs to another sign-in. An administrator has been told."
    )


async def _known(identity: Identity) -> Person:
    person, _ = await Person.get_or_create(
        issuer=identity.issuer,
        subject=identity.subject,
        defaults={
            "email": identity.email.lower(),
            "name": identity.name,
            "created_at": clock.now(),
        },
    )
    return person


async def _write(person: Person, identity: Identity, roles: tuple[Role, ...]) -> None:
    person.email = identity.email.lower()
    person.name = identity.name
    person.roles = [str(role) for role in roles]
    person.last_seen_at = clock.now()
    await person.save(update_fields=["email", "name", "roles", "last_seen_at"])


def _seen(person: Person) -> Seen:
    return Seen(
        person.id,
        person.name,
        person.email,
        tuple(Role(role) for role in person.roles),
        person.active,
        person.created_at,
        person.last_seen_at,
        person.shortcuts,
    )


async def everyone() -> list[Seen]:
    """Everybody who ever signed in, by name. A staff list is short; it is not paged."""
    return [_seen(person) for person in await Person.all().order_by("name", "id").limit(500)]


async def keep_shortcuts(person_id: int, *, on: bool) -> None:
    """Single-key shortcuts on or off, for this person only."""
    await Person.filter(id=person_id).update(shortcuts=on)
