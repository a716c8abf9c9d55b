"""What can go wrong at an identity provider, on demand, for the tests of the application."""

from collections import deque
from enum import StrEnum


class BadCase(StrEnum):
    """One way in which the next sign-in comes back wrong."""

    WRONG_STATE = "wrong_state"
    MISSING_STATE = "missing_state"
    WRONG_RESPONSE_ISSUER = "wrong_response_issuer"
    TOKEN_ENDPOINT_500 = "token_endpoint_500"
    TOKEN_NOT_JSON = "token_not_json"
    MISSING_ID_TOKEN = "missing_id_token"
    WRONG_ISSUER = "wrong_issuer"
    MISSING_ISSUER = "missing_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    MISSING_AUDIENCE = "missing_audience"
    WRONG_AUTHORIZED_PARTY = "wrong_authorized_party"
    WRONG_NONCE = "wrong_nonce"
    MISSING_NONCE = "missing_nonce"
    EXPIRED = "expired"
    MISSING_EXPIRY = "missing_expiry"
    ISSUED_IN_FUTURE = "issued_in_future"
    MISSING_SUBJECT = "missing_subject"
    MISSING_AUTH_TIME = "missing_auth_time"
    OLD_AUTH_TIME = "old_auth_time"
    FUTURE_AUTH_TIME = "future_auth_time"
    EMAIL_NOT_VERIFIED = "email_not_verified"
    WRONG_ACCESS_TOKEN_HASH = "wrong_access_token_hash"
    ALG_NONE = "alg_none"
    ALG_HS256 = "alg_hs256"
    FOREIGN_KEY = "foreign_key"
    EMBEDDED_KEY = "embedded_key"
    LINKED_KEY = "linked_key"
    TAMPERED_SIGNATURE = "tampered_signature"


class Faults:
    """Bad cases wait here; each finished sign-in takes one. `down` answers 503 to everything."""

    def __init__(self) -> None:
        self.down = False
        self._waiting: deque[BadCase] = deque()

    def next_sign_in(self, *cases: BadCase) -> None:
        self._waiting.extend(cases)

    def take(self) -> BadCase | None:
        return self._waiting.popleft() if self._waiting else None

    @property
    def waiting(self) -> tuple[BadCase, ...]:
        return tuple(self._waiting)

    def clear(self) -> None:
        self.down = False
        self._waiting.clear()
