"""ID tokens and logout tokens: what they say, signed with the provider's key."""

import base64
import hashlib
import secrets
import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError

from sandbox.identity import keys, spoiled
from sandbox.identity.people import Person
from sandbox.identity.provider import TOKEN_LIFETIME, Grant, Provider
from sandbox.identity.sessions import Session

TWO_FACTORS = "urn:amends:two-factors"
ONE_FACTOR = "urn:amends:one-factor"
Claims = dict[str, Any]


def id_token(provider: Provider, grant: Grant, access_token: str) -> str:
    claims = _claims(provider, grant) | {"at_hash": half_hash(access_token)}
    header = {"alg": keys.ALGORITHM, "kid": provider.key.kid}
    if grant.bad_case is None:
        return jwt.encode(header, claims, provider.key)
    claims = spoiled.claims(claims, grant.bad_case)
    return spoiled.sign(header, claims, provider.key, grant.bad_case)


def _claims(provider: Provider, grant: Grant) -> Claims:
    nonce = {} if grant.nonce is None else {"nonce": grant.nonce}
    person = provider.people[grant.session.sub]
    return (
        _envelope(provider, grant.session)
        | nonce
        | profile(person)
        | {
            "azp": provider.client_id,
            "auth_time": grant.session.auth_time,
            "acr": grant.acr,
            "amr": ["pwd", "otp"] if grant.acr == TWO_FACTORS else ["pwd"],
        }
    )


def profile(person: Person) -> Claims:
    return {
        "sub": person.sub,
        "name": person.name,
        "email": person.email,
        "email_verified": True,
        "groups": list(person.groups),
    }


def logout_token(provider: Provider, session: Session) -> str:
    header = {"alg": keys.ALGORITHM, "kid": provider.key.kid, "typ": "logout+jwt"}
    claims = _envelope(provider, session) | {
        "jti": secrets.token_urlsafe(16),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return jwt.encode(header, claims, provider.key)


def _envelope(provider: Provider, session: Session) -> Claims:
    # Libraries check these two against the machine's clock, which the sandbox's may be weeks
    # ahead of. Being valid by both clocks keeps sign-in working after the clock was moved.
    clocks = (provider.now().timestamp(), time.time())
    return {
        "iss": provider.issuer,
        "aud": provider.client_id,
        "sub": session.sub,
        "sid": session.sid,
        "iat": int(min(clocks)),
        "exp": int(max(clocks) + TOKEN_LIFETIME.total_seconds()),
    }


def read_hint(provider: Provider, token: str) -> Claims | None:
    """The claims of an ID token of ours. It may have expired: it only says who leaves."""
    try:
        return jwt.decode(token, provider.key, algorithms=[keys.ALGORITHM]).claims
    except (JoseError, ValueError):
        return None


def half_hash(value: str) -> str:
    digest = hashlib.sha256(value.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
