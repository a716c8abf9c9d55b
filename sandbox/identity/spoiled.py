"""ID tokens that are wrong on purpose: one claim, or the signature."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from sandbox.identity import keys
from sandbox.identity.faults import BadCase

Claims = dict[str, Any]
_DAY = 86_400

_DROPPED = {
    BadCase.MISSING_ISSUER: "iss",
    BadCase.MISSING_AUDIENCE: "aud",
    BadCase.MISSING_NONCE: "nonce",
    BadCase.MISSING_EXPIRY: "exp",
    BadCase.MISSING_SUBJECT: "sub",
    BadCase.MISSING_AUTH_TIME: "auth_time",
}

_CHANGED: dict[BadCase, Callable[[Claims], Claims]] = {
    BadCase.WRONG_ISSUER: lambda c: {"iss": "https://somebody-else.example"},
    # azp still names the application: a library that looks only there accepts this token.
    BadCase.WRONG_AUDIENCE: lambda c: {"aud": "another-application"},
    BadCase.WRONG_AUTHORIZED_PARTY: lambda c: {"aud": [c["aud"], "other"], "azp": "other"},
    BadCase.WRONG_NONCE: lambda c: {"nonce": "not-the-one-you-sent"},
    BadCase.EXPIRED: lambda c: {"iat": c["iat"] - _DAY, "exp": c["iat"] - _DAY + 300},
    # A year beyond the expiry: past any clock the sandbox was moved to.
    BadCase.ISSUED_IN_FUTURE: lambda c: {
        "iat": c["exp"] + 365 * _DAY,
        "exp": c["exp"] + 366 * _DAY,
    },
    BadCase.OLD_AUTH_TIME: lambda c: {"auth_time": c["auth_time"] - _DAY},
    BadCase.FUTURE_AUTH_TIME: lambda c: {"auth_time": c["auth_time"] + _DAY},
    BadCase.EMAIL_NOT_VERIFIED: lambda c: {"email_verified": False},
    BadCase.WRONG_ACCESS_TOKEN_HASH: lambda c: {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


def claims(good: Claims, case: BadCase) -> Claims:
    """The claims as this case has them; a case about another part changes nothing here."""
    change = _CHANGED.get(case)
    changes = change(good) if change else {}
    dropped = _DROPPED.get(case)
    return {name: value for name, value in (good | changes).items() if name != dropped}


def sign(header: Claims, said: Claims, key: RSAKey, case: BadCase) -> str:
    match case:
        case BadCase.ALG_NONE:
            return _unsigned({"alg": "none"}, said) + "."
        case BadCase.ALG_HS256:
            # The classic confusion: the public key, known to all, used as a shared secret.
            text = _unsigned(header | {"alg": "HS256"}, said)
            code = hmac.digest(key.as_pem(private=False), text.encode(), hashlib.sha256)
            return f"{text}.{_base64(code)}"
        case BadCase.FOREIGN_KEY:
            return jwt.encode(header, said, keys.fresh())
        case BadCase.EMBEDDED_KEY:
            other = keys.fresh()
            return _encode({"alg": header["alg"], "jwk": other.as_dict(private=False)}, said, other)
        case BadCase.LINKED_KEY:
            linked = {"alg": header["alg"], "jku": "https://somebody-else.example/jwks"}
            return _encode(linked, said, keys.fresh())
        case BadCase.TAMPERED_SIGNATURE:
            head, _, signature = jwt.encode(header, said, key).split(".")
            return f"{head}.{_json64(said | {'groups': ['amends-admins']})}.{signature}"
        case _:
            return jwt.encode(header, said, key)


def _encode(header: Claims, said: Claims, key: RSAKey) -> str:
    return jws.serialize_compact(header, json.dumps(said), key)


def _unsigned(header: Claims, said: Claims) -> str:
    return f"{_json64(header)}.{_json64(said)}"


def _json64(value: Claims) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
