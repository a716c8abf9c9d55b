"""The provider as an ASGI application, mountable under the path of its issuer."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import pages
from sandbox.identity import authorize, keys, logout, token
from sandbox.identity.faults import BadCase
from sandbox.identity.provider import Provider
from sandbox.identity.tokens import ONE_FACTOR, TWO_FACTORS


def create_app(provider: Provider) -> Starlette:
    routes = [
        Route("/.well-known/openid-configuration", discovery),
        Route("/jwks", jwks),
        Route("/authorize", authorize.show),
        Route("/authorize", authorize.choose, methods=["POST"]),
        Route("/token", token.token, methods=["POST"]),
        Route("/userinfo", token.userinfo, methods=["GET", "POST"]),
        Route("/end-session", logout.end_session, methods=["GET", "POST"]),
        Route("/", overview),
        Route("/sessions/{sid}/end", end_session_from_outside, methods=["POST"]),
        Route("/bad-cases", add_bad_case, methods=["POST"]),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(_Down, provider=provider)])
    app.state.provider = provider
    return app


async def discovery(request: Request) -> Response:
    provider: Provider = request.app.state.provider
    return JSONResponse(
        {
            "issuer": provider.issuer,
            "authorization_endpoint": f"{provider.issuer}/authorize",
            "token_endpoint": f"{provider.issuer}/token",
            "userinfo_endpoint": f"{provider.issuer}/userinfo",
            "jwks_uri": f"{provider.issuer}/jwks",
            "end_session_endpoint": f"{provider.issuer}/end-session",
            "scopes_supported": ["openid", "email", "profile", "groups"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [keys.ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "acr_values_supported": [ONE_FACTOR, TWO_FACTORS],
            "claims_supported": [
                "sub",
                "name",
                "email",
                "email_verified",
                "groups",
                "auth_time",
                "acr",
                "amr",
                "sid",
            ],
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }
    )


async def jwks(request: Request) -> Response:
    return JSONResponse(keys.public_set(request.app.state.provider.key))


async def overview(request: Request) -> Response:
    """Who is signed in, and what the next sign-in should get wrong."""
    provider: Provider = request.app.state.provider
    return pages.page(
        request,
        "identity/overview.html",
        provider=provider,
        sessions=[(s, provider.people.get(s.sub)) for s in provider.sessions.all()],
        cases=list(BadCase),
    )


async def end_session_from_outside(request: Request) -> Response:
    """As an administrator at a real provider does it: the application hears by back channel."""
    provider: Provider = request.app.state.provider
    provider.last_logout = await logout.end(provider, request.path_params["sid"])
    return pages.see_other(f"{provider.base_path}/")


async def add_bad_case(request: Request) -> Response:
    provider: Provider = request.app.state.provider
    wanted = (await request.form()).get("case", "")
    if wanted == "none":
        provider.faults.clear()
    elif wanted in set(BadCase):
        provider.faults.next_sign_in(BadCase(str(wanted)))
    else:
        return PlainTextResponse("There is no such case.", 422)
    return pages.see_other(f"{provider.base_path}/")


# What the application and its visitors use. The sandbox's own pages stay readable.
_PROTOCOL = {
    "/.well-known/openid-configuration",
    "/jwks",
    "/authorize",
    "/token",
    "/userinfo",
    "/end-session",
}


class _Down:
    """Answers 503 in place of the provider while it is meant to be down."""

    def __init__(self, app: ASGIApp, provider: Provider) -> None:
        self.app = app
        self.provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self.app
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if self.provider.faults.down and path in _PROTOCOL:
            app = PlainTextResponse("The identity provider is down.", 503)
        await app(scope, receive, send)
