"""Keeps other sites out of the sandbox: it runs on a developer's machine, beside a browser."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = {"GET", "HEAD", "OPTIONS"}
_OURS = {"same-origin", "none"}
_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
# Stripe's hosted pages lead on to the application; they have a policy of their own.
_TWIN = "/stripe/"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """Refuses posts from other sites and unknown host names; adds headers where none are set."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = _refusal(scope)
        app: ASGIApp = PlainTextResponse(refusal, 403) if refusal else self.app
        is_twin = scope["path"].startswith(_TWIN)
        own = _HEADERS if is_twin else _HEADERS | {"content-security-policy": _POLICY}
        await app(scope, receive, _with_headers(send, own))


def _refusal(scope: Scope) -> str:
    headers = Headers(scope=scope)
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if host not in _NAMES:
        return "The sandbox answers only to 127.0.0.1 and localhost."
    # Programs send neither header; browsers send the first one with every post.
    site = headers.get("sec-fetch-site", "same-origin")
    if scope["method"] not in _SAFE and site not in _OURS:
        return "This came from another site."
    return ""


def _with_headers(send: Send, own: dict[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in own.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
