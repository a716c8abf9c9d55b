"""API keys and what each may do. sk_test_ keys may do all; rk_test_ keys what their table says."""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.stripe_twin import errors


class Area(StrEnum):
    """What a restricted key is given rights on, one per kind of object."""

    BALANCE = "balance"
    BILLING_PORTAL = "customer_portal"
    CHARGE = "charge"
    CHECKOUT = "checkout_session"
    CREDIT_NOTE = "credit_note"
    CUSTOMER = "customer"
    DISPUTE = "dispute"
    EVENT = "event"
    FILE = "file"
    FRAUD_WARNING = "radar_early_fraud_warning"
    INVOICE = "invoice"
    PAYMENT_INTENT = "payment_intent"
    PAYMENT_METHOD = "payment_method"
    PRICE = "plan"
    SETUP_INTENT = "setup_intent"
    SUBSCRIPTION = "subscription"
    WEBHOOK = "webhook"


class Right(StrEnum):
    READ = "read"
    WRITE = "write"


_ALL = {(area, right) for area in Area for right in Right}
_READ_ALL = {(area, Right.READ) for area in Area}


def _both(*areas: Area) -> set[tuple[Area, Right]]:
    return {(area, right) for area in areas for right in Right}


_PORTAL = _both(
    Area.CUSTOMER, Area.CHECKOUT, Area.SETUP_INTENT, Area.PAYMENT_METHOD, Area.BILLING_PORTAL
) | {(Area.INVOICE, Right.READ), (Area.CHARGE, Right.READ)}

_DESK = _READ_ALL | _both(Area.DISPUTE, Area.FILE)

_RESTRICTED = {
    "rk_test_portal": _PORTAL,
    "rk_test_desk": _DESK,
    "rk_test_worker": _ALL,
}


@dataclass(frozen=True)
class ApiKey:
    """A key that was accepted."""

    text: str
    rights: frozenset[tuple[Area, Right]]

    def require(self, area: Area, right: Right) -> None:
        if (area, right) not in self.rights:
            raise errors.forbidden(self.text, f"rak_{area}_{right}")


_known: dict[str, ApiKey] = {}


def identify(authorization: str) -> ApiKey:
    """The key of an Authorization header, or a 401."""
    key = _known.get(authorization)
    if key is None:
        key = _known[authorization] = _identify(authorization)
    return key


def _identify(authorization: str) -> ApiKey:
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise errors.no_key()
    if text.startswith(("sk_live_", "rk_live_")):
        raise errors.live_key()
    if text.startswith("sk_test_"):
        return ApiKey(text, frozenset(_ALL))
    for prefix, rights in _RESTRICTED.items():
        if text.startswith(prefix):
            return ApiKey(text, frozenset(rights))
    raise errors.wrong_key(text)
