"""Every sign-in, its failure and its end leave a line: JSON, in UTC, without what was typed."""

import json
import re
from collections.abc import Iterator

import pytest
import structlog
from structlog.testing import capture_logs

from amends.models import WebhookEvent
from tests.backoffice import desk, scene
from tests.portal.visitor import Browser
from tests.security import doors
from web import logs

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def lines() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as found:
        yield found  # type: ignore[misc]


@pytest.mark.req("V16.3.1", "V16.2.1", "V16.2.5")
async def test_signing_in_failing_and_leaving_are_noted(lines: list[dict[str, object]]) -> None:
    from amends import clock, sign_in

    harbor = await scene.harbor()
    browser = Browser(doors.portal_app(harbor))
    await browser.post("/sign-in", {"email": harbor.priya.email})
    token = browser.http.cookies["__Host-amends-code"].split(".")[0]
    seen: list[str] = []
    digest = sign_in._digest

    def listening(code: str, salt: str) -> str:
        seen.append(code)
        return digest(code, salt)

    sign_in._digest = listening
    try:
        await sign_in.mail_code(harbor.priya.email, sign_in.browser_hash(token), "203.0.113.9")
    finally:
        sign_in._digest = digest
    await browser.post("/sign-in/code", {"code": "00000000"})
    await browser.post("/sign-in/code", {"code": seen[0]})
    await browser.post("/sign-out")

    events = [line["event"] for line in lines]
    for event in ("sign_in_code_asked", "code_refused", "signed_in", "signed_out"):
        assert event in events, event
    assert seen[0] not in json.dumps(lines, default=str) and "00000000" not in str(lines)
    assert clock.now()


@pytest.mark.req("V16.3.2", "V16.3.3")
async def test_who_is_refused_at_a_door_is_noted(lines: list[dict[str, object]]) -> None:
    client = await desk.browser(await scene.staff("Otto Brandt"))
    assert (await client.post("/queue/next")).status_code == 403
    (line,) = [each for each in lines if each["event"] == "request_refused"]
    assert (line["path"], line["status"]) == ("/queue/next", 403)


@pytest.mark.req("V16.2.2", "V16.2.4", "V16.4.1")
async def test_a_line_is_one_json_object_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    structlog.get_logger("x").warning("odd", text="a\nb\x1b[31m\r\n{}")
    line = capsys.readouterr().err.strip().splitlines()[-1]
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", found["timestamp"])
    assert "\x1b" not in line


@pytest.mark.req("T57")
async def test_an_event_of_the_other_mode_is_told_and_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from amends import settings
    from amends.models import ExceptionItem
    from tests.portal import test_stripe_webhook as hook

    monkeypatch.setenv("AMENDS_STRIPE_WEBHOOK_SECRET", hook.SECRET)
    monkeypatch.setattr(settings, "load", settings.Settings)
    browser = Browser(doors.portal_app(await scene.harbor()))
    body = hook.event(1).replace(b'"livemode": false', b'"livemode": true')
    assert await hook.post(browser, body, hook.signature(body)) == 200
    assert not await WebhookEvent.all().exists()
    assert await ExceptionItem.filter(kind="wrong_mode").exists()
