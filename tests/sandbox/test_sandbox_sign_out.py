"""Signing out of the sandbox's provider, and telling the application by back channel."""

from typing import Any

import httpx2
from joserfc import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.identity import Provider
from tests.sandbox.signing_in import ISSUER, Application


def _listen(provider: Provider) -> list[dict[str, Any]]:
    """Registers a back-channel address; the claims it is sent land in the list."""
    heard: list[dict[str, Any]] = []

    async def backchannel(request: Request) -> Response:
        token = str((await request.form())["logout_token"])
        decoded = jwt.decode(token, provider.key, algorithms=["RS256"])
        heard.append({"typ": decoded.header["typ"], **decoded.claims})
        return Response()

    app = Starlette(routes=[Route("/backchannel", backchannel, methods=["POST"])])
    provider.transport = httpx2.ASGITransport(app)
    provider.backchannel_logout_uri = "http://desk.test/backchannel"
    return heard


async def test_it_signs_out_with_the_hint_and_goes_back(application: Application) -> None:
    token = (await application.sign_in("sam.ito"))["id_token"]
    leave_to = "http://desk.test/signed-out"
    query = {"id_token_hint": token, "post_logout_redirect_uri": leave_to, "state": "s"}
    response = await application.http.get("/idp/end-session", params=query)
    assert response.headers["location"] == f"{leave_to}?state=s"
    assert application.provider.sessions.all() == ()
    assert (await application.ask()).status_code == 200


async def test_it_asks_first_without_a_hint(application: Application) -> None:
    await application.sign_in("sam.ito")
    assert "Sign out of everything?" in (await application.http.get("/idp/end-session")).text
    assert len(application.provider.sessions.all()) == 1
    done = await application.http.post("/idp/end-session", data={"sure": "yes"})
    assert "You are signed out" in done.text
    assert application.provider.sessions.all() == ()


async def test_it_does_not_take_a_forged_hint(application: Application) -> None:
    token = (await application.sign_in("sam.ito"))["id_token"]
    forged = token[:-8] + "AAAAAAAA"
    await application.http.get("/idp/end-session", params={"id_token_hint": forged})
    assert len(application.provider.sessions.all()) == 1


async def test_it_leaves_only_to_the_application(application: Application) -> None:
    query = {"post_logout_redirect_uri": "http://evil.test/"}
    response = await application.http.get("/idp/end-session", params=query)
    assert response.status_code == 400


async def test_it_tells_the_application_by_back_channel(
    application: Application, provider: Provider
) -> None:
    heard = _listen(provider)
    token = (await application.sign_in("dana.cole"))["id_token"]
    sid = (await application.claims(token))["sid"]
    await application.http.post(f"/idp/sessions/{sid}/end")
    [claims] = heard
    assert claims["typ"] == "logout+jwt"
    assert (claims["iss"], claims["aud"]) == (ISSUER, "amends")
    assert (claims["sub"], claims["sid"]) == ("dana.cole", sid)
    assert "http://schemas.openid.net/event/backchannel-logout" in claims["events"]
    assert "nonce" not in claims
    assert claims["jti"]


async def test_it_signs_out_even_when_the_application_is_away(
    application: Application, provider: Provider
) -> None:
    await application.sign_in("dana.cole")
    provider.backchannel_logout_uri = "http://127.0.0.1:9/nobody-listens"
    await application.http.post("/idp/end-session", data={"sure": "yes"})
    assert provider.sessions.all() == ()


async def test_its_overview_shows_who_is_signed_in_and_ends_it(
    application: Application, provider: Provider
) -> None:
    await application.sign_in("noor.haddad")
    assert "Noor Haddad" in (await application.http.get("/idp/")).text
    sid = provider.sessions.all()[0].sid
    await application.http.post(f"/idp/sessions/{sid}/end")
    assert "No back-channel address is registered" in (await application.http.get("/idp/")).text
