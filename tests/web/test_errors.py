"""Error pages: what happened, what to do, whom to write to, and nothing of the inside."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from amends import access, facts
from tests.web import kit
from web import errors, guards, pages
from web.doors import Door

SECRET = "sk_live_inside /work/amends SELECT token_hash"  # must never be seen

CASES: dict[str, tuple[Callable[[], Exception], int, str]] = {
    "missing": (lambda: facts.NotFound(SECRET), 404, "We cannot find that page"),
    "refused": (lambda: facts.Refused("You prepared this plan."), 403, "You prepared this plan."),
    "stale": (lambda: facts.Stale("This page is older than the case."), 409, "older than the case"),
    "decided": (lambda: facts.AlreadyDecided("Dana Cole approved it."), 409, "Dana Cole approved"),
    "invalid": (lambda: facts.InvalidInput({"amount": "Enter 5.00 or less."}), 422, "Enter 5.00"),
    "away": (lambda: facts.Unavailable("Stripe does not answer."), 503, "Stripe does not answer."),
    "often": (lambda: facts.TooMany(SECRET, 125), 429, "Wait 3 minutes"),
    "once": (lambda: facts.TooMany(SECRET, 30), 429, "Wait 1 minute,"),
    "sign-in": (lambda: errors.SignInFailed(SECRET), 400, "Sign-in did not work"),
    "database": (lambda: ConnectionRefusedError(SECRET), 503, "does not answer"),
    "starting": (lambda: asyncpg.CannotConnectNowError(SECRET), 503, "does not answer"),
    "bug": (lambda: RuntimeError(SECRET), 500, "Something went wrong on our side"),
    "assert": (lambda: AssertionError(SECRET), 500, "Something went wrong on our side"),
    "key": (lambda: KeyError(SECRET), 500, "Something went wrong on our side"),
    "teapot": (lambda: HTTPException(418, SECRET), 418, "We could not read that"),
    "bad": (lambda: HTTPException(400, SECRET), 400, "We could not read that"),
    "gateway": (lambda: HTTPException(502, SECRET), 502, "Something went wrong on our side"),
    "anonymous": (lambda: HTTPException(401), 401, "Sign in to see this page"),
}


async def _raise(request: Request[Any]) -> Response:
    raise CASES[request.path_params["case"]][0]()


async def _broken_template(request: Request[Any]) -> Response:
    return pages.page(request, "portal/there-is-no-such-page.html")


async def _halfway(request: Request[Any]) -> Response:
    async def pieces() -> Any:
        yield b"first"
        raise RuntimeError(SECRET)

    return StreamingResponse(pieces())


ROUTES = [
    guards.route("GET", "/raise/{case}", _raise, allow=guards.PUBLIC, name="raise"),
    guards.route("GET", "/both", kit.ok, allow=guards.PUBLIC, name="both"),
    guards.route("POST", "/both", kit.ok, allow=guards.PUBLIC, name="both"),
    guards.route("GET", "/template", _broken_template, allow=guards.PUBLIC),
    guards.route("GET", "/halfway", _halfway, allow=guards.PUBLIC),
]


@pytest.fixture(params=list(Door))
def app(request: pytest.FixtureRequest) -> Starlette:
    return kit.make_app(ROUTES, request.param)


@pytest.mark.req("V16.5.1")
@pytest.mark.parametrize("case", CASES)
async def test_each_error_has_its_page(app: Starlette, case: str) -> None:
    _, status, words = CASES[case]
    answer = await kit.browser(app).get(f"/raise/{case}")
    assert answer.status_code == status
    assert words in answer.text
    assert "mailto:help@amends.example" in answer.text
    assert 'id="main"' in answer.text
    _shows_nothing(answer.text)
    assert (answer.headers["x-request-id"] in answer.text) is (case in WITH_REFERENCE)


WITH_REFERENCE = ("away", "database", "starting", "bug", "assert", "key", "gateway")
INSIDES = (
    "sk_live",
    "/work/",
    "SELECT",
    "Traceback",
    "RuntimeError",
    "asyncpg",
    "starlette",
    "jinja",
    "Error(",
    ".py",
)


def _shows_nothing(text: str) -> None:
    assert not [inside for inside in INSIDES if inside.lower() in text.lower()]


@pytest.mark.parametrize("case", CASES)
async def test_an_error_in_a_part_goes_to_its_own_place(app: Starlette, case: str) -> None:
    answer = await kit.browser(app).get(f"/raise/{case}", headers={"hx-request": "true"})
    assert answer.headers["hx-retarget"] == "#flash"
    assert answer.headers["hx-reswap"] == "innerHTML"
    assert answer.text.startswith('<div class="errsum stack" role="alert" tabindex="-1" autofocus>')
    assert "<html" not in answer.text
    _shows_nothing(answer.text)


async def test_too_many_says_when_to_come_back(app: Starlette) -> None:
    assert (await kit.browser(app).get("/raise/often")).headers["retry-after"] == "125"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE", "QUERY"])
async def test_a_method_not_taken_names_all_that_are(app: Starlette, method: str) -> None:
    answer = await kit.browser(app).request(method, "/both")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.req("V16.3.4", "V16.2.1")
async def test_the_reference_is_in_the_log_and_so_is_the_cause(
    app: Starlette, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await kit.browser(app).get("/raise/bug")
    line = capsys.readouterr().err
    assert answer.headers["x-request-id"] in line
    assert "RuntimeError" in line and '"path": "/raise/bug"' in line


@pytest.mark.req("T54", "V16.2.5")
async def test_the_log_shows_no_cookie_and_no_query(
    app: Starlette, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = {"cookie": "__Host-amends-theme=canary-cookie"}
    await kit.browser(app).get("/raise/bug?q=canary-query", headers=headers)
    assert "canary" not in capsys.readouterr().err


@pytest.mark.req("V16.3.2", "V16.3.3")
async def test_a_refusal_is_noted(app: Starlette, capsys: pytest.CaptureFixture[str]) -> None:
    await kit.browser(app).get("/raise/refused")
    assert '"reason": "Refused"' in capsys.readouterr().err


@pytest.mark.req("V16.4.1", "V16.2.4")
async def test_a_line_break_in_a_path_stays_one_log_record(
    app: Starlette, capsys: pytest.CaptureFixture[str]
) -> None:
    await kit.browser(app, {}).post("/x%0a%7b%22level%22%3a1%7d%1b[31m")
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "\x1b" not in lines[0]


async def test_a_broken_page_is_a_plain_error(app: Starlette) -> None:
    answer = await kit.browser(app).get("/template")
    assert answer.status_code == 500
    _shows_nothing(answer.text)


@pytest.mark.req("V16.5.4")
async def test_even_a_broken_error_page_says_something(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> Response:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(pages, "page", broken)
    answer = await kit.browser(app).get("/raise/bug")
    assert answer.status_code == 500
    assert answer.text == f"Something went wrong. Reference {answer.headers['x-request-id']}."
    assert "content-security-policy" in answer.headers


async def test_a_break_halfway_is_not_papered_over(app: Starlette) -> None:
    with pytest.raises(RuntimeError):
        await kit.browser(app).get("/halfway")


@pytest.mark.req("V16.5.3")
async def test_a_session_that_cannot_be_read_is_not_a_visitor(
    app: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the database away nobody is taken for signed out, or for signed in."""

    async def away(*args: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(access, "find_session", away)
    cookie = {"cookie": f"__Host-amends-{app.state.house.door}={'x' * 43}"}
    assert (await kit.browser(app).get("/both", headers=cookie)).status_code == 503


def test_every_fact_has_its_page() -> None:
    known = {
        kind
        for kind in vars(facts).values()
        if isinstance(kind, type) and issubclass(kind, facts.Fact) and kind is not facts.Fact
    }
    assert known <= set(errors._TABLE)
