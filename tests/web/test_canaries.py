"""Secrets sent to every address of both doors, and none of them in a log line."""

import json
import re
from collections.abc import Iterable

import httpx2
import pytest
from starlette.applications import Starlette

from tests.backoffice import desk, scene
from tests.portal.visitor import make_app
from tests.web import kit
from web.guards import GuardedRoute

CARD, CODE = "4242424242424242", "48203917"
TOKEN = "Zk3vQ8mN1xR5tY7uW9pL2sD4fG6hJ0kB_cV-bA8eXqz"
KEY, PASSWORD = "sk_live_51CanaryKey", "canary-password-hunter2"
CANARIES = (CARD, CODE, TOKEN, "51CanaryKey", PASSWORD)
FORM = {
    "code": CODE, "email": f"{CARD}@harborfitness.example", "story": CARD, "body": f"{KEY} {CARD}",
    "reason": PASSWORD, "last4": CARD, "why": CARD, "q": KEY, "password": PASSWORD, "version": CARD,
}  # fmt: skip
HEADERS = {
    "cookie": f"__Host-amends-portal={TOKEN}; __Host-amends-desk={TOKEN}; other={PASSWORD}",
    "authorization": f"Bearer {TOKEN}", "user-agent": f"Canary/{CARD}",
    "referer": f"https://billing.amends.example/?code={CODE}&state={TOKEN}",
    "x-forwarded-for": CARD, "stripe-signature": f"t=1,v1={KEY}",
}  # fmt: skip


ELSEWHERE = {"sec-fetch-site": "cross-site"}


def addresses(routes: Iterable[GuardedRoute]) -> list[tuple[str, str]]:
    """Every route with a secret wherever a visitor chooses the words."""
    found = []
    for route in routes:
        path = re.sub(r"\{[^}]*:int\}", CARD, route.path)
        path = re.sub(r"\{[^}]*\}", CARD, path)
        methods = (route.methods or set()) - {"HEAD"}
        found += [(method, f"{path}?q={KEY}&code={CODE}&next={TOKEN}") for method in methods]
    return found


async def sweep(browser: httpx2.AsyncClient, every: list[tuple[str, str]]) -> None:
    for method, path in every:
        body = {"data": FORM} if method == "POST" else {}
        await browser.request(method, path, headers=HEADERS | kit.SAME_ORIGIN, **body)
        await browser.request(method, path, headers=HEADERS | ELSEWHERE, **body)


def leaks(lines: str) -> list[str]:
    for each in lines.splitlines():
        json.loads(each)
    return [each[:300] for each in lines.splitlines() if any(c in each for c in CANARIES)]


@pytest.mark.req("T54", "V16.2.5", "V14.2.1")
async def test_the_portal_logs_nothing_of_what_was_sent(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.harbor()
    app: Starlette = make_app()
    async with kit.browser(app) as browser:
        every = addresses(app.state.house.all_routes)
        assert len(every) > 60
        await sweep(browser, every)
    logged = capsys.readouterr().err
    assert logged and leaks(logged) == []


@pytest.mark.req("T54", "V16.2.5", "V14.2.1")
async def test_the_desk_logs_nothing_of_what_was_sent(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.harbor()
    app = desk.app()
    browser = await desk.browser(await scene.staff("Dana Cole"), app)
    own = {name: value for name, value in HEADERS.items() if name != "cookie"}
    every = addresses(app.state.house.all_routes)
    assert len(every) > 80
    for method, path in every:
        if "sign" in path:
            continue  # a sign-in would go to the provider, a sign-out would end the sweep
        body = {"data": FORM} if method == "POST" else {}
        await browser.request(method, path, headers=own | kit.SAME_ORIGIN, **body)
        await browser.request(method, path, headers=own | ELSEWHERE, **body)
    await browser.aclose()
    logged = capsys.readouterr().err
    assert logged and leaks(logged) == []
