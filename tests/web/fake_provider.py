"""An identity provider in a hundred lines, which can be told to lie in every known way."""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from amends import clock
from tests.web import kit

Claims = dict[str, Any]
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "two", "use": "sig", "alg": "RS256"})


def unchanged(claims: Claims) -> Claims:
    return claims


@dataclass
class FakeProvider:
    """Honest unless changed: `spoil` edits claims, `header`, `key`, `metadata`, `reply`."""

    spoil: Callable[[Claims], Claims] = unchanged
    header: Claims = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    key: Any = field(default_factory=lambda: KEY)
    metadata: Claims = field(default_factory=dict)
    reply: Callable[[Claims], Claims] = unchanged
    status: int = 200
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _describe(self, request: Request) -> Response:
        self.asked.append("metadata")
        return JSONResponse(
            {
                "issuer": kit.ISSUER,
                "authorization_endpoint": f"{kit.ISSUER}/authorize",
                "token_endpoint": f"{kit.ISSUER}/token",
                "jwks_uri": f"{kit.ISSUER}/keys",
                "end_session_endpoint": f"{kit.ISSUER}/leave",
            }
            | self.metadata
        )

    async def _keys(self, request: Request) -> Response:
        self.asked.append("keys")
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    def authorize(self, url: str) -> dict[str, str]:
        """The person signs in; returns what the browser carries back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def _token(self, request: Request) -> Response:
        if self.status != 200:
            return Response("down", status_code=self.status)
        form = await request.form()
        asked = self.codes.pop(str(form["code"]), None)
        if asked is None or not _proves(str(form.get("code_verifier")), asked["code_challenge"]):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = self.sign(self.spoil(self.claims(asked)))
        return JSONResponse(
            self.reply(
                {
                    "access_token": "at-1",
                    "token_type": "Bearer",
                    "expires_in": 300,
                    "id_token": token,
                }
            )
        )

    def claims(self, asked: dict[str, str]) -> Claims:
        at = int(clock.now().timestamp())
        return {
            "iss": kit.ISSUER,
            "aud": "amends-desk",
            "sub": "dana.cole",
            "iat": at,
            "exp": at + 300,
            "nonce": asked["nonce"],
            "auth_time": at,
            "sid": "s-1",
            "name": "Dana Cole",
            "email": "Dana@Amends.Example",
            "groups": ["amends-managers"],
        }

    def sign(self, claims: Claims) -> str:
        if self.header["alg"] == "none":
            return ".".join([_b64(self.header), _b64(claims), ""])
        if isinstance(self.key, bytes):
            # By hand: the library rightly refuses a public key as a shared secret.
            text = f"{_b64(self.header)}.{_b64(claims)}"
            mac = hmac.digest(self.key, text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])

    def logout_token(self, **changes: Any) -> str:
        at = int(clock.now().timestamp())
        claims = {
            "iss": kit.ISSUER,
            "aud": "amends-desk",
            "sub": "dana.cole",
            "sid": "s-1",
            "iat": at,
            "exp": at + 120,
            "jti": secrets.token_hex(8),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        } | changes
        return self.sign({name: value for name, value in claims.items() if value is not None})


def public_key_as_secret() -> bytes:
    """The classic confusion: the public key's text used as a shared secret."""
    return KEY.as_pem(private=False)


def _proves(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def _b64(value: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
