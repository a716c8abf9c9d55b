"""Signing out: here, at the provider, and from the provider."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.web import kit
from tests.web.desk_at_provider import Desk, now
from tests.web.fake_provider import FakeProvider


async def test_signing_out_goes_to_the_provider_and_comes_back() -> None:
    there = (await Desk(FakeProvider()).browser.post("/sign-out")).headers["location"]
    asked = parse_qs(urlsplit(there).query)
    assert there.startswith(f"{kit.ISSUER}/leave?")
    assert asked["post_logout_redirect_uri"] == [f"{kit.DESK}/sign-in"]
    assert asked["id_token_hint"] == ["token"]


@pytest.mark.req("V7.1.3")
async def test_the_provider_can_sign_dana_out() -> None:
    desk = Desk(FakeProvider())
    posted = {"logout_token": desk.provider.logout_token()}
    answer = await kit.browser(desk.app, {}).post("/sign-out/provider", data=posted)
    assert answer.json() == {"issuer": kit.ISSUER, "subject": "dana.cole", "sid": "s-1"}


BAD_LOGOUTS: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "other"},
    "another issuer": {"iss": "https://evil.example"},
    "no event": {"events": {}},
    "events a list": {"events": ["http://schemas.openid.net/event/backchannel-logout"]},
    "a nonce, so an ID token": {"nonce": "x"},
    "nobody named": {"sub": None, "sid": None},
    "no token id": {"jti": None},
    "no time": {"iat": None},
    "expired": {"exp": now() - 3600},
    "old, without expiry": {"exp": None, "iat": now() - 3600},
}


@pytest.mark.req("V9.1.1", "V9.2.1")
@pytest.mark.parametrize("bad", BAD_LOGOUTS)
async def test_it_refuses_a_logout_token_with(bad: str) -> None:
    desk = Desk(FakeProvider())
    posted = {"logout_token": desk.provider.logout_token(**BAD_LOGOUTS[bad])}
    answer = await kit.browser(desk.app, {}).post("/sign-out/provider", data=posted)
    assert answer.status_code == 400


@pytest.mark.req("V9.2.2")
async def test_it_refuses_an_id_token_as_logout_token_and_no_token() -> None:
    desk = Desk(FakeProvider())
    id_token = desk.provider.sign(desk.provider.claims({"nonce": "n"}))
    for posted in ({"logout_token": id_token}, {}):
        answer = await kit.browser(desk.app, {}).post("/sign-out/provider", data=posted)
        assert answer.status_code == 400
