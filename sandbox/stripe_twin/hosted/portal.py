"""The billing portal page: which card pays the invoices, and adding a new one."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.hosted import card_form, rendering
from sandbox.stripe_twin.resources import (
    customers,
    payment_methods,
    portal_sessions,
    setup_intents,
)

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class PortalPages:
    """Show the cards, make one the default, add one."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/pages/portal/{id}", self.show, methods=["GET"]),
            Route("/pages/portal/{id}/default", self.set_default, methods=["POST"]),
            Route("/pages/portal/{id}/card", self.add_card, methods=["POST"]),
        ]

    def _session(self, request: Request) -> Doc | None:
        return self._world.store.get(portal_sessions.KIND, request.path_params["id"])

    async def show(self, request: Request) -> Response:
        session = self._session(request)
        return self._page(session, {}) if session else self._missing()

    async def set_default(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return self._missing()
        wanted = str((await request.form()).get("card", ""))
        cards = self._world.store.table("payment_method").where("customer", session["customer"])
        if wanted in {card["id"] for card in cards}:
            self._make_default(session, wanted)
        return rendering.see_other(session["url"])

    async def add_card(self, request: Request) -> Response:
        session = self._session(request)
        if session is None:
            return self._missing()
        form = {name: str(value) for name, value in (await request.form()).items()}
        entered = card_form.read(form, self._world.clock.now())
        if isinstance(entered, card_form.Mistakes):
            return self._page(session, entered.by_field)
        return self._add(session, entered)

    def _add(self, session: Doc, entered: card_form.Entered) -> Response:
        world = self._world
        intent = setup_intents.new(world, {"customer": session["customer"]})
        card = payment_methods.new(world, entered.number, entered.exp_month, entered.exp_year)
        try:
            setup_intents.confirm(world, intent, card, session["url"])
        except errors.ApiError as error:
            return self._page(session, {"number": error.error["message"]})
        if intent["status"] == "requires_action":
            world.save()
            return rendering.see_other(intent["next_action"]["redirect_to_url"]["url"])
        self._make_default(session, card["id"])
        return rendering.see_other(session["url"])

    def _make_default(self, session: Doc, card_id: str) -> None:
        customer = customers.get(self._world, session["customer"])
        customers.set_default_card(self._world, customer, card_id)
        self._world.save()

    def _page(self, session: Doc, wrong: dict[str, str]) -> Response:
        world = self._world
        customer = customers.get(world, session["customer"])
        return rendering.page(
            world,
            "portal.html",
            422 if wrong else 200,
            session=session,
            customer=customer,
            cards=world.store.table("payment_method").where("customer", customer["id"]),
            default=customer["invoice_settings"]["default_payment_method"],
            groups=card_form.SUGGESTIONS,
            picked=card_form.SUGGESTIONS[0].cards[0].number,
            expiry="12 / 34",
            cvc="123",
            wrong=wrong,
        )

    def _missing(self) -> Response:
        return rendering.nothing_here(self._world, "There is no such portal page.")
