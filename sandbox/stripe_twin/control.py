"""The control API under /_twin: everything a test or the demo can do to the world, as JSON."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

Verb = Callable[[Doc], Any]


class Control:
    """POST /_twin/<verb> with a JSON object of arguments; GET for what can be read."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._verbs: dict[str, Verb] = self._money_verbs() | self._other_verbs()

    def routes(self) -> list[Route]:
        return [
            Route("/_twin/ledger", self.ledger, methods=["GET"]),
            Route("/_twin/faults", self.faults, methods=["GET"]),
            Route("/_twin/state", self.state, methods=["GET"]),
            Route("/_twin/webhooks", self.webhooks, methods=["GET"]),
            Route("/_twin/{verb:path}", self.act, methods=["POST"]),
        ]

    def _money_verbs(self) -> dict[str, Verb]:
        world = self._world
        return {
            "disputes/open": lambda a: world.open_dispute(**a),
            "disputes/inquire": lambda a: world.open_inquiry(**a),
            "disputes/escalate": lambda a: world.escalate_inquiry(**a),
            "disputes/close": lambda a: world.close_dispute(**a),
            "fraud_warnings": lambda a: world.warn_fraud(**a),
            "refunds/fail": lambda a: world.fail_refund(**a),
            "refunds/settle": lambda a: world.settle_refund(**a),
            "refunds/cancel": lambda a: world.cancel_refund_in_dashboard(**a),
            "refunds/reference": lambda a: world.set_reference(**a),
            "refunds/in_dashboard": lambda a: world.refund_in_dashboard(**a),
            "balance": lambda a: world.set_available_balance(**a),
        }

    def _other_verbs(self) -> dict[str, Verb]:
        world, hooks = self._world, self._world.webhooks
        return {
            "advance": lambda a: world.advance(float(a["seconds"])),
            "faults/add": lambda a: asdict(world.faults.add(**a)),
            "faults/clear": lambda a: world.faults.clear(),
            "webhooks/endpoints": lambda a: world.add_endpoint(**a),
            "webhooks/hold": lambda a: hooks.hold(),
            "webhooks/flush": lambda a: hooks.flush(),
            "webhooks/drop": lambda a: hooks.drop(**a),
            "webhooks/duplicate": lambda a: hooks.duplicate(**a),
            "webhooks/reverse": lambda a: hooks.reverse(),
            "webhooks/delay": lambda a: hooks.delay(**a),
            "webhooks/bad_signature": lambda a: hooks.bad_signature(**a),
            "webhooks/resend": lambda a: hooks.resend(**a),
            "latency": self._set_latency,
        }

    def _set_latency(self, arguments: Doc) -> None:
        self._world.latency_s = float(arguments["seconds"])

    async def act(self, request: Request) -> Response:
        verb = self._verbs.get(request.path_params["verb"])
        if verb is None:
            return JSONResponse({"error": "no such verb", "verbs": sorted(self._verbs)}, 404)
        try:
            result = verb(await _arguments(request))
        except errors.ApiError as error:
            return JSONResponse({"error": error.error}, error.status)
        except (TypeError, ValueError, KeyError) as error:
            return JSONResponse({"error": f"wrong arguments: {error}"}, 400)
        return JSONResponse({"result": result, "now": self._world.now()})

    async def ledger(self, request: Request) -> Response:
        return JSONResponse([asdict(row) for row in self._world.ledger()])

    async def faults(self, request: Request) -> Response:
        faults = self._world.faults
        return JSONResponse(
            {"armed": [asdict(fault) for fault in faults.list()], "fired": faults.fired}
        )

    async def webhooks(self, request: Request) -> Response:
        tried = [
            {"event": o.delivery.event_id, "type": o.delivery.event_type, "url": o.delivery.url,
             "attempt": o.delivery.attempt, "at": o.at, "ok": o.ok}
            for o in self._world.deliveries
        ]  # fmt: skip
        return JSONResponse({"tried": tried, "waiting": self._world.webhooks.waiting()})

    async def state(self, request: Request) -> Response:
        """Every public object, newest last; tables that start with _ are the twin's own."""
        tables = self._world.store.tables.items()
        return JSONResponse(
            {
                "now": self._world.now(),
                "drift": self._world.drift,
                "objects": {
                    name: list(table.oldest_first())
                    for name, table in tables
                    if not name.startswith("_")
                },
            }
        )


async def _arguments(request: Request) -> Doc:
    if not await request.body():
        return {}
    given = await request.json()
    if not isinstance(given, dict):
        raise ValueError("a JSON object is needed")
    return given
