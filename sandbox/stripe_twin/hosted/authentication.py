"""The bank's challenge (3-D Secure): the cardholder completes it or fails it."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.hosted import rendering
from sandbox.stripe_twin.resources import payment_methods, payments, setup_intents

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class AuthenticationPages:
    """One page for PaymentIntents and SetupIntents."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/pages/authenticate/{id}", self.show, methods=["GET"]),
            Route("/pages/authenticate/{id}", self.answer, methods=["POST"]),
        ]

    def _intent(self, request: Request) -> Doc | None:
        intent_id = request.path_params["id"]
        kind = "setup_intent" if intent_id.startswith("seti_") else "payment_intent"
        return self._world.store.get(kind, intent_id)

    async def show(self, request: Request) -> Response:
        intent = self._intent(request)
        if intent is None:
            return rendering.nothing_here(self._world, "There is no such challenge.")
        if intent["status"] != "requires_action":
            return rendering.page(
                self._world,
                "message.html",
                title="Nothing to confirm",
                message="This challenge is over. You can close this page.",
                link=None,
            )
        card = payment_methods.get(self._world, intent["payment_method"])
        return rendering.page(self._world, "authenticate.html", intent=intent, card=card["card"])

    async def answer(self, request: Request) -> Response:
        intent = self._intent(request)
        if intent is None or intent["status"] != "requires_action":
            return await self.show(request)
        redirect = (intent["next_action"].get("redirect_to_url") or {}).get("return_url")
        form = await request.form()
        if form.get("result") == "complete":
            self._complete(intent)
        else:
            self._fail(intent)
        self._world.save()
        return self._back(intent, redirect)

    def _complete(self, intent: Doc) -> None:
        if intent["object"] == "setup_intent":
            setup_intents.succeed(self._world, intent)
        else:
            payments.authenticated(self._world, intent)

    def _fail(self, intent: Doc) -> None:
        if intent["object"] == "setup_intent":
            setup_intents.fail_authentication(self._world, intent)
        else:
            payments.authentication_failed(self._world, intent)

    def _back(self, intent: Doc, return_url: str | None) -> Response:
        if return_url is None:
            return rendering.page(
                self._world, "message.html", title="Thank you",
                message="Go back to the shop's page.", link=None,
            )  # fmt: skip
        kind = intent["object"]
        succeeded = intent["status"] == "succeeded"
        query = {
            kind: intent["id"],
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if succeeded else "failed",
        }
        return rendering.see_other(rendering.with_query(return_url, **query))
