"""What the provider gets wrong on demand is wrong in exactly the way its name says."""

import base64
import json
import time
from typing import Any

import pytest
from joserfc.errors import BadSignatureError, JoseError

from sandbox.identity import BadCase
from tests.sandbox.signing_in import Application, answer

_DAY = 86_400


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")[:2]
    )
    return header, payload


async def _bad_token(application: Application, case: BadCase) -> str:
    application.provider.faults.next_sign_in(case)
    return str((await application.sign_in("sam.ito"))["id_token"])


async def test_each_case_serves_one_sign_in(application: Application) -> None:
    token = await _bad_token(application, BadCase.WRONG_ISSUER)
    assert _peek(token)[1]["iss"] == "https://somebody-else.example"
    good = (await application.sign_in("sam.ito"))["id_token"]
    assert _peek(good)[1]["iss"] == application.provider.issuer


@pytest.mark.parametrize(
    ("case", "claim", "value"),
    [
        (BadCase.WRONG_AUDIENCE, "aud", "another-application"),
        (BadCase.WRONG_AUTHORIZED_PARTY, "azp", "other"),
        (BadCase.WRONG_NONCE, "nonce", "not-the-one-you-sent"),
        (BadCase.EMAIL_NOT_VERIFIED, "email_verified", False),
        (BadCase.WRONG_ACCESS_TOKEN_HASH, "at_hash", "A" * 22),
        (BadCase.MISSING_ISSUER, "iss", None),
        (BadCase.MISSING_AUDIENCE, "aud", None),
        (BadCase.MISSING_NONCE, "nonce", None),
        (BadCase.MISSING_EXPIRY, "exp", None),
        (BadCase.MISSING_SUBJECT, "sub", None),
        (BadCase.MISSING_AUTH_TIME, "auth_time", None),
    ],
)
async def test_it_gets_one_claim_wrong_and_signs_it(
    application: Application, case: BadCase, claim: str, value: object
) -> None:
    token = await _bad_token(application, case)
    assert (await application.claims(token)).get(claim) == value


async def test_it_gets_times_wrong(application: Application) -> None:
    now = time.time()
    assert _peek(await _bad_token(application, BadCase.EXPIRED))[1]["exp"] < now - 3600
    assert _peek(await _bad_token(application, BadCase.ISSUED_IN_FUTURE))[1]["iat"] > now + 3600
    old = _peek(await _bad_token(application, BadCase.OLD_AUTH_TIME))[1]
    assert old["auth_time"] < now - 3600
    new = _peek(await _bad_token(application, BadCase.FUTURE_AUTH_TIME))[1]
    assert new["auth_time"] > now + 3600


@pytest.mark.parametrize("case", [BadCase.FOREIGN_KEY, BadCase.TAMPERED_SIGNATURE])
async def test_it_breaks_the_signature(application: Application, case: BadCase) -> None:
    token = await _bad_token(application, case)
    assert _peek(token)[0]["kid"] == application.provider.key.kid
    with pytest.raises(BadSignatureError):
        await application.claims(token)


@pytest.mark.parametrize(
    ("case", "header"),
    [
        (BadCase.ALG_NONE, ("alg", "none")),
        (BadCase.ALG_HS256, ("alg", "HS256")),
        (BadCase.EMBEDDED_KEY, ("jwk", None)),
        (BadCase.LINKED_KEY, ("jku", "https://somebody-else.example/jwks")),
    ],
)
async def test_it_offers_a_way_around_the_key(
    application: Application, case: BadCase, header: tuple[str, str | None]
) -> None:
    token = await _bad_token(application, case)
    name, value = header
    assert name in _peek(token)[0]
    assert value is None or _peek(token)[0][name] == value
    with pytest.raises((JoseError, ValueError)):
        await application.claims(token)


async def test_it_leaves_out_the_id_token(application: Application) -> None:
    application.provider.faults.next_sign_in(BadCase.MISSING_ID_TOKEN)
    tokens = await application.sign_in("sam.ito")
    assert "access_token" in tokens
    assert "id_token" not in tokens


@pytest.mark.parametrize(
    ("case", "name", "value"),
    [
        (BadCase.WRONG_STATE, "state", "not-yours"),
        (BadCase.MISSING_STATE, "state", None),
        (BadCase.WRONG_RESPONSE_ISSUER, "iss", "https://somebody-else.example"),
    ],
)
async def test_it_sends_the_browser_back_wrongly(
    application: Application, case: BadCase, name: str, value: str | None
) -> None:
    application.provider.faults.next_sign_in(case)
    back = await application.choose("sam.ito")
    assert back.get(name) == value
    assert back["code"]


async def test_its_token_endpoint_breaks(application: Application) -> None:
    application.provider.faults.next_sign_in(BadCase.TOKEN_ENDPOINT_500, BadCase.TOKEN_NOT_JSON)
    code = (await application.choose("sam.ito"))["code"]
    assert (await application.exchange(code)).status_code == 500
    code = answer(await application.ask())["code"]
    assert "Wi-Fi" in (await application.exchange(code)).text


async def test_it_can_be_down_and_come_back(application: Application) -> None:
    application.provider.faults.down = True
    assert (await application.http.get("/idp/jwks")).status_code == 503
    assert (await application.ask()).status_code == 503
    application.provider.faults.clear()
    assert (await application.ask()).status_code == 200


async def test_every_case_can_be_chosen_on_the_page(application: Application) -> None:
    for case in BadCase:
        await application.http.post("/idp/bad-cases", data={"case": case})
    assert application.provider.faults.waiting == tuple(BadCase)
    page = await application.http.get("/idp/")
    assert "Alg none" in page.text
    await application.http.post("/idp/bad-cases", data={"case": "none"})
    assert application.provider.faults.waiting == ()
    refused = await application.http.post("/idp/bad-cases", data={"case": "nonsense"})
    assert refused.status_code == 422
