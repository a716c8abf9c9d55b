"""Staff sign-in: the honest way, every way to lie, and a provider that is away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from amends import clock
from tests.web import fake_provider, kit
from tests.web.desk_at_provider import ROUTES, Desk, now
from tests.web.fake_provider import KEY, OTHER_KEY, FakeProvider
from web import oidc
from web.doors import Door


def _refused(answer: httpx2.Response) -> None:
    assert answer.status_code == 400
    assert "Sign-in did not work" in answer.text
    assert "Start again" in answer.text
    assert "dana" not in answer.text.lower()


async def test_it_lets_dana_in_and_says_who_she_is() -> None:
    answer = (await Desk(FakeProvider()).sign_in("/sign-in?next=/queue")).json()
    assert answer["subject"] == "dana.cole"
    assert answer["email"] == "dana@amends.example"
    assert answer["groups"] == ["amends-managers"]
    assert (answer["next"], answer["sid"], answer["step_up"]) == ("/queue", "s-1", False)


@pytest.mark.req("V10.2.1")
async def test_it_asks_with_pkce_state_and_nonce_at_the_registered_address() -> None:
    answer = await Desk(FakeProvider()).browser.get("/sign-in")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [kit.DESK + oidc.CALLBACK]
    assert min(len(asked["state"][0]), len(asked["nonce"][0])) >= 32
    assert "prompt" not in asked


async def test_a_step_up_asks_for_the_password_again() -> None:
    answer = await Desk(FakeProvider()).browser.get("/sign-in/again")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["300"])
    assert asked["login_hint"] == ["dana@amends.example"]


@pytest.mark.req("V3.3.3")
async def test_the_cookie_of_a_sign_in_under_way_is_short_lived_and_for_this_host() -> None:
    cookie = (await Desk(FakeProvider()).browser.get("/sign-in")).headers["set-cookie"]
    assert cookie.startswith("__Host-amends-oidc=")
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"):
        assert flag in cookie


LIES: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another audience": {"aud": "other-app"},
    "another audience with our azp": {"aud": "other-app", "azp": "amends-desk"},
    "no audience": {"aud": None},
    "several audiences without azp": {"aud": ["amends-desk", "other-app"]},
    "several audiences, azp another": {"aud": ["amends-desk", "other-app"], "azp": "other-app"},
    "azp another": {"azp": "other-app"},
    "another nonce": {"nonce": "x" * 32},
    "no nonce": {"nonce": None},
    "no subject": {"sub": None},
    "subject a number": {"sub": 7},
    "expired": {"exp": now() - 3600},
    "no expiry": {"exp": None},
    "expiry in words": {"exp": "tomorrow"},
    "issued in the future": {"iat": now() + 3600},
    "not valid yet": {"nbf": now() + 3600},
    "wrong access token hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    "factors in words": {"amr": "mfa"},
    "auth_time in words": {"auth_time": "now"},
    "auth_time in the future": {"auth_time": now() + 3600},
}


@pytest.mark.req(
    "T60", "V6.8.2", "V9.1.1", "V9.1.2", "V9.1.3", "V9.2.1", "V9.2.2", "V9.2.3", "V10.5.4"
)
@pytest.mark.parametrize("lie", LIES)
async def test_it_refuses_an_id_token_with(lie: str) -> None:
    def spoil(claims: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in (claims | LIES[lie]).items() if v is not None}

    _refused(await Desk(FakeProvider(spoil=spoil)).sign_in())


FACTORS: list[tuple[str, dict[str, Any], bool]] = [
    ("mfa", {"amr": ["pwd", "mfa"]}, True),
    ("mfa, otp", {"amr": ["pwd", "otp"]}, True),
    ("urn:two", {"acr": "urn:two"}, True),
    ("mfa", {"amr": ["pwd"]}, False),
    ("mfa", {"amr": []}, False),
    ("mfa", {"amr": ["MFA"], "acr": "urn:one"}, False),
    ("mfa", {}, False),
    ("", {"amr": ["pwd"]}, True),
    (" , ", {}, True),
]


@pytest.mark.req("V6.3.3", "V6.8.4")
@pytest.mark.parametrize(("wanted", "said", "enough"), FACTORS)
async def test_a_second_factor_has_to_show_where_one_is_wanted(
    wanted: str, said: dict[str, Any], enough: bool
) -> None:
    provider = FakeProvider(spoil=lambda claims: claims | said)
    answer = await Desk(provider, oidc_second_factor=wanted).sign_in()
    assert answer.status_code == (200 if enough else 403)
    assert enough or "did not ask you for a second factor" in answer.text


STRANGER = RSAKey.generate_key(2048, {"kid": "one"})
SMALL = ECKey.generate_key("P-256", {"kid": "one"})
FORGERIES: dict[str, dict[str, Any]] = {
    "no signature": {"header": {"alg": "none"}},
    "the public key as a shared secret": {
        "header": {"alg": "HS256", "kid": "one"},
        "key": fake_provider.public_key_as_secret(),
    },
    "the client secret as key": {"header": {"alg": "HS256"}, "key": OctKey.import_key("s" * 32)},
    "another key under our key id": {"key": STRANGER},
    "a key it brings along": {
        "header": {"alg": "ES256", "kid": "one", "jwk": SMALL.as_dict(private=False)},
        "key": SMALL,
    },
    "a key it points to": {
        "header": {"alg": "RS256", "kid": "one", "jku": "https://evil.example/keys"},
        "key": STRANGER,
    },
    "an unknown key id": {"header": {"alg": "RS256", "kid": "nine"}},
    "an extension we must understand": {
        "header": {"alg": "RS256", "kid": "one", "crit": ["x"], "x": 1}
    },
    "the type of an access token": {"header": {"alg": "RS256", "kid": "one", "typ": "at+jwt"}},
    "the type of a logout token": {"header": {"alg": "RS256", "kid": "one", "typ": "logout+jwt"}},
    "no ID token at all": {"reply": lambda r: {k: r[k] for k in r if k != "id_token"}},
    "words for an ID token": {"reply": lambda r: r | {"id_token": "a.b.c"}},
    "an ID token of absurd size": {"reply": lambda r: r | {"id_token": "a" * 20_000}},
    "a list for an ID token": {"reply": lambda r: r | {"id_token": ["x"]}},
    "a token of another provider's description": {"metadata": {"issuer": "https://evil.example"}},
}


@pytest.mark.req("T60", "V10.1.2")
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("forgery", FORGERIES)
async def test_it_refuses(forgery: str) -> None:
    desk = Desk(FakeProvider(**FORGERIES[forgery]))
    if "metadata" in FORGERIES[forgery]:
        _refused(await desk.browser.get("/sign-in"))
        return
    _refused(await desk.sign_in())


@pytest.mark.req("T60", "V10.2.1")
async def test_it_refuses_a_state_it_never_gave() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    _refused(await desk.finish(carried | {"state": "x" * 32}))
    _refused(await desk.finish({"code": carried["code"]}))


@pytest.mark.req("T60", "V10.1.2")
async def test_it_refuses_the_answer_in_another_browser() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    desk.browser.cookies.clear()
    _refused(await desk.finish(carried))


@pytest.mark.req("V10.5.1")
async def test_it_refuses_the_same_answer_twice() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    assert (await desk.finish(carried)).status_code == 200
    _refused(await desk.finish(carried))


async def test_it_refuses_a_code_used_twice_even_with_an_old_cookie() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    kept = dict(desk.browser.cookies)
    await desk.finish(carried)
    desk.browser.cookies.update(kept)
    _refused(await desk.finish(carried))


async def test_it_refuses_a_code_of_another_sign_in() -> None:
    """Code injection: the verifier of this browser does not fit."""
    desk, thief = Desk(FakeProvider()), Desk(FakeProvider())
    thief.provider.codes = desk.provider.codes
    stolen, own = await desk.begin(), await thief.begin()
    _refused(await thief.finish({"code": stolen["code"], "state": own["state"]}))


async def test_it_refuses_when_the_person_said_no() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    _refused(await desk.finish({"state": carried["state"], "error": "access_denied"}))


@pytest.mark.req("V10.2.2")
async def test_it_refuses_an_answer_that_names_another_issuer() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    _refused(await desk.finish(carried | {"iss": "https://evil.example"}))


@pytest.mark.req("V10.2.2", "V10.5.3")
async def test_it_refuses_an_answer_without_the_promised_issuer() -> None:
    promise = {"authorization_response_iss_parameter_supported": True}
    _refused(await Desk(FakeProvider(metadata=promise)).sign_in())


async def test_it_refuses_a_changed_cookie() -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    value = desk.browser.cookies["__Host-amends-oidc"]
    desk.browser.cookies.clear()
    desk.browser.cookies.set("__Host-amends-oidc", value[:-9] + "x" * 9)
    _refused(await desk.finish(carried))


async def test_a_sign_in_left_lying_for_ten_minutes_starts_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(FakeProvider())
    carried = await desk.begin()
    monkeypatch.setattr(clock, "offset_seconds", lambda: 601)
    _refused(await desk.finish(carried))


async def test_five_tabs_can_sign_in_and_the_sixth_drops_the_first() -> None:
    desk = Desk(FakeProvider())
    tabs = [await desk.begin(f"/sign-in?next=/queue?tab={number}") for number in range(6)]
    assert len(desk.browser.cookies["__Host-amends-oidc"]) < 3900
    _refused(await desk.finish(tabs[0]))
    for number, tab in list(enumerate(tabs))[1:]:
        assert (await desk.finish(tab)).json()["next"] == f"/queue?tab={number}"


async def test_it_knows_a_new_key_of_the_provider() -> None:
    provider = FakeProvider()
    desk = Desk(provider)
    await desk.sign_in()
    provider.keys, provider.key = [KEY, OTHER_KEY], OTHER_KEY
    provider.header = {"alg": "RS256", "kid": "two"}
    assert (await desk.sign_in()).status_code == 200
    assert provider.asked.count("keys") == 2


async def test_unknown_keys_do_not_make_it_ask_again_and_again() -> None:
    provider = FakeProvider()
    desk = Desk(provider)
    provider.header = {"alg": "RS256", "kid": "nine"}
    for _ in range(5):
        await desk.sign_in()
    assert provider.asked.count("keys") <= 2


@pytest.mark.req("V7.6.1", "V6.8.4")
@pytest.mark.parametrize(("age_s", "enough"), [(0, True), (300, True), (359, True), (362, False)])
async def test_a_step_up_needs_a_sign_in_of_the_last_five_minutes(age_s: int, enough: bool) -> None:
    provider = FakeProvider(spoil=lambda c: c | {"auth_time": now() - age_s})
    answer = await Desk(provider).sign_in("/sign-in/again")
    assert answer.status_code == (200 if enough else 400)


@pytest.mark.req("V6.8.4")
async def test_a_step_up_needs_auth_time() -> None:
    provider = FakeProvider(spoil=lambda c: {k: c[k] for k in c if k != "auth_time"})
    _refused(await Desk(provider).sign_in("/sign-in/again"))


@pytest.mark.req("V6.8.4")
async def test_without_auth_time_a_plain_sign_in_counts_as_long_ago() -> None:
    provider = FakeProvider(spoil=lambda c: {k: c[k] for k in c if k != "auth_time"})
    answer = (await Desk(provider).sign_in()).json()
    assert datetime.fromisoformat(answer["auth_time"]) == datetime(1970, 1, 1, tzinfo=UTC)


async def test_it_follows_the_moved_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "offset_seconds", lambda: int(timedelta(days=40).total_seconds()))
    assert (await Desk(FakeProvider()).sign_in()).status_code == 200


@pytest.mark.req("T32")
async def test_roles_in_the_token_are_not_roles_here() -> None:
    provider = FakeProvider(spoil=lambda c: c | {"roles": ["manager"], "groups": "amends-managers"})
    answer = (await Desk(provider).sign_in()).json()
    assert answer["groups"] == []
    assert "roles" not in answer


@pytest.mark.req("V10.5.2")
async def test_an_unverified_address_is_not_taken_over() -> None:
    provider = FakeProvider(spoil=lambda c: c | {"email_verified": False})
    assert (await Desk(provider).sign_in()).json()["email"] == ""


@pytest.mark.req("V16.5.2")
async def test_a_provider_that_is_away_is_said_plainly() -> None:
    class Away(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            raise httpx2.ConnectError("refused")

    desk = Desk(FakeProvider())
    desk.app.state.oidc = oidc.Provider(kit.settings(), Away())
    answer = await desk.browser.get("/sign-in")
    assert answer.status_code == 503
    assert "The sign-in service does not answer." in answer.text


async def test_a_provider_that_breaks_in_the_middle_is_said_plainly() -> None:
    desk = Desk(FakeProvider(status=502))
    assert (await desk.sign_in()).status_code == 503


@pytest.mark.req("V12.3.1")
@pytest.mark.parametrize("issuer", ["", "http://id.amends.example", "ftp://127.0.0.1"])
async def test_it_sends_no_secret_over_plain_http(issuer: str) -> None:
    app = kit.make_app(ROUTES, Door.DESK, oidc_issuer=issuer)
    answer = await kit.browser(app).get("/sign-in")
    assert answer.status_code == 503
    assert "not set up" in answer.text


@pytest.mark.req("T48")
async def test_next_leads_nowhere_else() -> None:
    answer = await Desk(FakeProvider()).sign_in("/sign-in?next=https://evil.example/")
    assert answer.json()["next"] == "/"
