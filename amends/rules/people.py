"""Who acts: customers, staff with roles, and the system itself."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"
    LEAD = "lead"
    MANAGER = "manager"
    SECURITY = "security"
    ACCOUNT_MANAGER = "account_manager"
    CSM = "csm"
    AUDITOR = "auditor"
    ADMIN = "admin"


class ActorKind(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True)
class Customer:
    """A signed-in customer: the holder of an account's registered billing address."""

    account_id: int
    email: str
    name: str
    organisation: str
    session_id: int = 0

    kind = ActorKind.CUSTOMER

    @property
    def actor_id(self) -> str:
        return f"account:{self.account_id}"


@dataclass(frozen=True)
class Staff:
    """A signed-in member of staff. `auth_time` is when the identity provider last saw them."""

    person_id: int
    name: str
    email: str
    roles: frozenset[Role]
    auth_time: datetime | None = None
    session_id: int = 0
    shortcuts: bool = field(default=True, compare=False)

    kind = ActorKind.STAFF

    @property
    def actor_id(self) -> str:
        return f"staff:{self.person_id}"

    def has(self, *roles: Role) -> bool:
        return bool(self.roles & set(roles))


@dataclass(frozen=True)
class System:
    """The worker, acting on an approved plan, a timer or what Stripe reported."""

    name: str = "worker"

    kind = ActorKind.SYSTEM

    @property
    def actor_id(self) -> str:
        return f"system:{self.name}"


Actor = Customer | Staff | System
WORKER = System("worker")
STRIPE = System("stripe")
