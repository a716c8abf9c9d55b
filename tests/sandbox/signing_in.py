"""An application that signs in at the sandbox's provider, for the tests."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet

from sandbox.identity import Provider

BASE = "http://sandbox.test"
ISSUER = f"{BASE}/idp"
CALLBACK = "http://desk.test/sign-in/callback"


@dataclass
class FixedClock:
    moment: datetime

    def __call__(self) -> datetime:
        return self.moment

    def pass_time(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass
class Application:
    """A client that keeps its cookies, like a browser, and knows the application's secret."""

    http: httpx2.AsyncClient
    provider: Provider
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = "state-1"
    nonce: str = "nonce-1"

    def authorize_url(self, **changes: str | None) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "client_id": "amends",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid email profile",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | changes
        return "/idp/authorize?" + urlencode({k: v for k, v in query.items() if v is not None})

    async def ask(self, **changes: str | None) -> httpx2.Response:
        return await self.http.get(self.authorize_url(**changes))

    async def choose(self, person: str, **changes: str | None) -> dict[str, str]:
        """The answer that reaches the application's callback."""
        response = await self.http.post(self.authorize_url(**changes), data={"person": person})
        return answer(response)

    async def exchange(self, code: str, **changes: str) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        } | changes
        basic = httpx2.BasicAuth("amends", self.provider.client_secret)
        return await self.http.post("/idp/token", data=form, auth=basic)

    async def sign_in(self, person: str, **changes: str | None) -> dict[str, Any]:
        code = (await self.choose(person, **changes))["code"]
        tokens: dict[str, Any] = (await self.exchange(code)).json()
        return tokens

    async def claims(self, id_token: str) -> dict[str, Any]:
        keys = KeySet.import_key_set((await self.http.get("/idp/jwks")).json())
        return jwt.decode(id_token, keys, algorithms=["RS256"]).claims


def answer(response: httpx2.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    location = urlsplit(response.headers["location"])
    assert location._replace(query="").geturl() == CALLBACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}
