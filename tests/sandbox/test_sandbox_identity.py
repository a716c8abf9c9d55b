"""The sandbox's OpenID provider: the code flow, its refusals, and re-authentication."""

from pathlib import Path

import httpx2
import pytest
from authlib.integrations.httpx_client import AsyncOAuth2Client

from sandbox.identity import PEOPLE, Provider
from tests.sandbox.signing_in import CALLBACK, ISSUER, Application, FixedClock, answer


async def test_it_describes_itself(application: Application) -> None:
    found = (await application.http.get("/idp/.well-known/openid-configuration")).json()
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["id_token_signing_alg_values_supported"] == ["RS256"]
    assert "d" not in (await application.http.get("/idp/jwks")).json()["keys"][0]


async def test_it_shows_everybody_on_a_page_without_script(application: Application) -> None:
    page = await application.ask()
    assert page.status_code == 200
    assert "no password" in page.text
    assert "<script" not in page.text
    for person in PEOPLE:
        assert person.name in page.text
    assert "form-action 'self' http://desk.test" in page.headers["content-security-policy"]


async def test_it_signs_dana_in_and_says_who_she_is(
    application: Application, clock: FixedClock
) -> None:
    tokens = await application.sign_in("dana.cole")
    claims = await application.claims(tokens["id_token"])
    assert claims["iss"] == ISSUER
    assert claims["aud"] == "amends"
    assert claims["sub"] == "dana.cole"
    assert claims["name"] == "Dana Cole"
    assert claims["email"] == "dana.cole@amends.example"
    assert claims["email_verified"] is True
    assert claims["groups"] == ["amends-managers"]
    assert claims["nonce"] == "nonce-1"
    assert claims["auth_time"] == int(clock().timestamp())
    assert claims["amr"] == ["pwd", "otp"]
    assert claims["sid"]
    assert claims["exp"] > claims["iat"]


async def test_it_answers_userinfo_for_its_access_token_only(application: Application) -> None:
    tokens = await application.sign_in("otto.brandt")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await application.http.get("/idp/userinfo", headers=bearer)).json()["groups"] == [
        "amends-auditors"
    ]
    assert (await application.http.get("/idp/userinfo")).status_code == 401


async def test_it_brings_state_and_issuer_back(application: Application) -> None:
    back = await application.choose("sam.ito")
    assert back["state"] == "state-1"
    assert back["iss"] == ISSUER


async def test_it_takes_the_secret_in_the_form_too(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": application.verifier,
        "client_id": "amends",
        "client_secret": "a secret of tests",
    }
    assert (await application.http.post("/idp/token", data=form)).status_code == 200


async def test_it_works_with_authlib(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    async with AsyncOAuth2Client(
        "amends", "a secret of tests", transport=application.http._transport
    ) as client:
        tokens = await client.fetch_token(
            f"{ISSUER}/token", code=code, redirect_uri=CALLBACK, code_verifier=application.verifier
        )
    assert tokens["id_token"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_it_tells_the_application_what_is_wrong(
    application: Application, changes: dict[str, str | None], error: str
) -> None:
    back = answer(await application.ask(**changes))
    assert back["error"] == error
    assert back["state"] == "state-1"


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"redirect_uri": "http://evil.test/callback"}]
)
async def test_it_never_redirects_to_an_unknown_address(
    application: Application, changes: dict[str, str | None]
) -> None:
    assert (await application.ask(**changes)).status_code == 400
    posted = await application.http.post(
        application.authorize_url(**changes), data={"person": "sam.ito"}
    )
    assert posted.status_code == 400


async def test_it_refuses_the_wrong_verifier(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    response = await application.exchange(code, code_verifier="w" * 43)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


async def test_it_refuses_another_redirect_uri(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    response = await application.exchange(code, redirect_uri="http://desk.test/other")
    assert response.json()["error"] == "invalid_grant"


async def test_it_takes_a_code_once_and_then_ends_what_it_gave(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    access = (await application.exchange(code)).json()["access_token"]
    assert (await application.exchange(code)).json()["error"] == "invalid_grant"
    bearer = {"authorization": f"Bearer {access}"}
    assert (await application.http.get("/idp/userinfo", headers=bearer)).status_code == 401


async def test_it_forgets_a_code_after_a_minute(
    application: Application, clock: FixedClock
) -> None:
    code = (await application.choose("sam.ito"))["code"]
    clock.pass_time(seconds=61)
    assert (await application.exchange(code)).json()["error"] == "invalid_grant"


async def test_it_refuses_a_wrong_client_secret(application: Application) -> None:
    code = (await application.choose("sam.ito"))["code"]
    application.provider.client_secret = "changed"
    wrong = httpx2.BasicAuth("amends", "a secret of tests")
    response = await application.http.post("/idp/token", data={"code": code}, auth=wrong)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


async def test_it_refuses_somebody_it_does_not_know(application: Application) -> None:
    assert (await application.choose("mallory"))["error"] == "access_denied"
    assert (await application.choose(""))["error"] == "access_denied"


async def test_it_asks_only_once_per_browser(application: Application) -> None:
    await application.sign_in("lee.moreau")
    again = answer(await application.ask())
    claims = await application.claims(
        (await application.exchange(again["code"])).json()["id_token"]
    )
    assert claims["sub"] == "lee.moreau"
    assert "code" in answer(await application.ask(prompt="none"))


async def test_it_asks_again_for_a_step_up(application: Application, clock: FixedClock) -> None:
    first = await application.claims((await application.sign_in("dana.cole"))["id_token"])
    clock.pass_time(minutes=4)
    page = await application.ask(prompt="login")
    assert "Confirm it is you" in page.text
    second = await application.claims(
        (await application.sign_in("dana.cole", prompt="login"))["id_token"]
    )
    assert second["auth_time"] == first["auth_time"] + 240
    assert second["sid"] == first["sid"]


async def test_it_honours_max_age(application: Application, clock: FixedClock) -> None:
    await application.sign_in("dana.cole")
    clock.pass_time(seconds=300)
    assert "code" in answer(await application.ask(max_age="300"))
    clock.pass_time(seconds=1)
    assert (await application.ask(max_age="300")).status_code == 200
    silent = answer(await application.ask(max_age="300", prompt="none"))
    assert silent["error"] == "login_required"


async def test_it_puts_the_hinted_person_first(application: Application) -> None:
    await application.sign_in("sam.ito")
    page = await application.ask(login_hint="noor.haddad@amends.example")
    assert page.status_code == 200
    assert page.text.index("Noor Haddad") < page.text.index("Or somebody else")


async def test_it_answers_the_asked_strength(application: Application) -> None:
    tokens = await application.sign_in("sam.ito", acr_values="urn:amends:one-factor")
    claims = await application.claims(tokens["id_token"])
    assert (claims["acr"], claims["amr"]) == ("urn:amends:one-factor", ["pwd"])


async def test_it_remembers_sessions_and_key_over_a_restart(
    application: Application, provider: Provider, clock: FixedClock, tmp_path: Path
) -> None:
    await application.sign_in("ivy.lindqvist")
    reborn = Provider(
        issuer=ISSUER,
        client_id="amends",
        client_secret="x",
        redirect_uris=[CALLBACK],
        now=clock,
        state_dir=tmp_path,
    )
    assert reborn.sessions.all() == provider.sessions.all()
    assert reborn.key.kid == provider.key.kid
    cookie = application.http.cookies["amends-idp"]
    assert reborn.sessions.find(cookie, clock()) is not None
    assert cookie not in (tmp_path / "identity-sessions.json").read_text()


async def test_it_lets_a_session_end_after_half_a_day(
    application: Application, clock: FixedClock
) -> None:
    await application.sign_in("sam.ito")
    clock.pass_time(hours=12, seconds=1)
    assert (await application.ask()).status_code == 200


async def test_its_tokens_hold_by_the_machines_clock_and_by_a_moved_one(
    application: Application, clock: FixedClock
) -> None:
    real = clock().timestamp()
    clock.pass_time(days=90)
    claims = await application.claims((await application.sign_in("sam.ito"))["id_token"])
    assert claims["iat"] <= real + 60
    assert claims["exp"] > clock().timestamp()
    assert claims["auth_time"] == int(clock().timestamp())
