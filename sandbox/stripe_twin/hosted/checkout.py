"""The Checkout page in setup mode: the visitor enters a card, nothing is charged."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.hosted import card_form, rendering
from sandbox.stripe_twin.resources import checkout, payment_methods, setup_intents

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class CheckoutPages:
    """Show, submit, and the way back from the bank's challenge."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/pages/checkout/{id}", self.show, methods=["GET"]),
            Route("/pages/checkout/{id}", self.submit, methods=["POST"]),
            Route("/pages/checkout/{id}/return", self.come_back, methods=["GET"]),
        ]

    async def show(self, request: Request) -> Response:
        self._world.run_due()
        session = self._world.store.get(checkout.KIND, request.path_params["id"])
        if session is None:
            return rendering.nothing_here(self._world, "There is no such checkout page.")
        if session["status"] != "open":
            return self._over(session)
        return self._form(session, {}, {})

    async def submit(self, request: Request) -> Response:
        self._world.run_due()
        session = self._world.store.get(checkout.KIND, request.path_params["id"])
        if session is None or session["status"] != "open":
            return await self.show(request)
        form = {name: str(value) for name, value in (await request.form()).items()}
        entered = card_form.read(form, self._world.clock.now())
        if isinstance(entered, card_form.Mistakes):
            return self._form(session, form, entered.by_field)
        return self._save_card(session, form, entered)

    async def come_back(self, request: Request) -> Response:
        """From the bank: done, or try another card."""
        session = self._world.store.get(checkout.KIND, request.path_params["id"])
        if session is None or session["status"] != "open":
            return await self.show(request)
        intent = setup_intents.get(self._world, session["setup_intent"])
        if intent["status"] == "succeeded":
            return self._finish(session)
        problem = (intent["last_setup_error"] or {}).get("message", "Please try another card.")
        return self._form(session, {}, {"number": problem})

    def _save_card(
        self, session: Doc, form: Mapping[str, str], entered: card_form.Entered
    ) -> Response:
        world = self._world
        intent = setup_intents.get(world, session["setup_intent"])
        card = payment_methods.new(world, entered.number, entered.exp_month, entered.exp_year)
        details = session["customer_details"] or {}
        card["billing_details"] |= {
            "email": details.get("email"), "name": form.get("name") or details.get("name"),
        }  # fmt: skip
        back = f"{world.public_url}/pages/checkout/{session['id']}/return"
        try:
            setup_intents.confirm(world, intent, card, back)
        except errors.ApiError as error:
            world.save()
            return self._form(session, form, {"number": error.error["message"]})
        if intent["status"] == "requires_action":
            world.save()
            return rendering.see_other(intent["next_action"]["redirect_to_url"]["url"])
        return self._finish(session)

    def _finish(self, session: Doc) -> Response:
        checkout.complete(self._world, session)
        self._world.save()
        return rendering.see_other(success_url(session))

    def _form(self, session: Doc, form: Mapping[str, str], wrong: dict[str, str]) -> Response:
        # The number is never written back into the page.
        return rendering.page(
            self._world,
            "checkout.html",
            422 if wrong else 200,
            session=session,
            groups=card_form.SUGGESTIONS,
            picked=form.get("suggestion", card_form.SUGGESTIONS[0].cards[0].number),
            expiry=form.get("expiry", "12 / 34"),
            cvc=form.get("cvc", "123"),
            name=form.get("name", (session["customer_details"] or {}).get("name") or ""),
            wrong=wrong,
        )

    def _over(self, session: Doc) -> Response:
        done = session["status"] == "complete"
        return rendering.page(
            self._world,
            "message.html",
            title="Card saved" if done else "This page has expired",
            message="You can close this page."
            if done
            else "Go back to where you came from and ask for a new one.",
            link=success_url(session) if done else session["cancel_url"],
        )


def success_url(session: Doc) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
