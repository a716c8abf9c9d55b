"""One call from arrival to answer: key, fault, parameters, idempotency, handler, webhooks."""

import json
from typing import TYPE_CHECKING

from sandbox.stripe_twin import drift, errors, expand, forms, keys, routes, sdk, specs
from sandbox.stripe_twin.calls import Answer, Call, Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.faults import BEFORE, FaultKind, Hangup, Silence
from sandbox.stripe_twin.routing import Route
from sandbox.stripe_twin.webhooks import Mode

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_DRIFT_KEPT = 200
_OBJECTS_IN_ERRORS = ("payment_intent", "payment_method", "setup_intent")


async def handle(world: "World", call: Call) -> Answer:
    """The answer; Hangup or Silence if a fault says that none arrives."""
    world.jobs.run_due()
    fault = world.faults.take(call.method, call.path)
    if fault in BEFORE:
        _vanish(fault)
    if fault is FaultKind.SLOW:
        await world.sleep(world.faults.slow_s)
    answer = await _answer(world, call, fault)
    world.save()
    if world.webhook_mode == Mode.INSIDE:
        await world.deliver_inside()
    if fault in (FaultKind.LOST_RESPONSE, FaultKind.TIMEOUT_AFTER):
        _vanish(fault)
    return answer


def _vanish(fault: FaultKind | None) -> None:
    if fault in (FaultKind.TIMEOUT_BEFORE, FaultKind.TIMEOUT_AFTER):
        raise Silence
    raise Hangup


async def _answer(world: "World", call: Call, fault: FaultKind | None) -> Answer:
    request_id = world.ids.new("req_")
    try:
        key = keys.identify(call.headers.get("authorization", ""))
        _limit(fault, call)
        route, ids = _route(call)
        world.limits.check(f"{route.method} {route.path}")
        key.require(route.area, route.right)
        request = _parse(call, route, ids, request_id)
        return await _once(world, call, route, request, fault)
    except errors.ApiError as error:
        return _refusal(world, error, request_id)


def _limit(fault: FaultKind | None, call: Call) -> None:
    match fault:
        case FaultKind.RATE_LIMIT_429:
            raise errors.rate_limited()
        case FaultKind.LOCK_TIMEOUT_429:
            raise errors.locked()
        case FaultKind.KEY_IN_USE_409:
            raise errors.key_in_use(call.headers.get("idempotency-key", ""))
        case _:
            return


def _route(call: Call) -> tuple[Route, tuple[str, ...]]:
    found = routes.ROUTER.find(call.method, call.path)
    if found:
        return found
    if routes.known_to_stripe(call.method, call.path):
        raise errors.not_in_the_twin(call.method, call.path)
    raise errors.no_such_url(call.method, call.path)


def _parse(call: Call, route: Route, ids: tuple[str, ...], request_id: str) -> Request:
    form = forms.decode(call.query)
    content_type = call.headers.get("content-type", "")
    if "multipart/form-data" in content_type:
        form |= forms.decode_multipart(call.body, content_type)
    elif call.body:
        form |= forms.decode(call.body.decode())
    params = specs.for_call(route.method, route.path).parse(form, "")
    key = call.headers.get("idempotency-key") if call.method == "POST" else None
    return Request(params, ids, request_id, key, call.path)


async def _once(
    world: "World", call: Call, route: Route, request: Request, fault: FaultKind | None
) -> Answer:
    """Runs the handler, at most once per idempotency key."""
    key = request.idempotency_key
    if key is None:
        return await _run(world, route, request, fault)
    kept = world.idempotency.begin(key, call)
    if kept:
        return kept
    try:
        answer = await _run(world, route, request, fault)
    except errors.ApiError as error:
        answer = _refusal(world, error, request.request_id)
        if not error.stored:
            return answer
    finally:
        world.idempotency.forget(key)
    world.idempotency.finish(key, call, answer)
    return answer


async def _run(world: "World", route: Route, request: Request, fault: FaultKind | None) -> Answer:
    if world.latency_s:
        await world.sleep(world.latency_s)
    if fault is FaultKind.ERROR_500_BEFORE:
        raise errors.server_error()
    with world.serving(request):
        doc = _handle(world, route, request, fault)
        doc = expand.apply(world, doc, request.params.get("expand", []))
    _watch(world, route, doc)
    return Answer(200, json.dumps(doc).encode(), _headers(request.request_id))


def _handle(world: "World", route: Route, request: Request, fault: FaultKind | None) -> Doc:
    try:
        return route.handler(world, request)
    finally:
        if fault is FaultKind.ERROR_500_AFTER:
            raise errors.server_error()


def _watch(world: "World", route: Route, doc: Doc) -> None:
    """Notes drift on every nth answer; 0 turns it off for long simulations."""
    world.answers += 1
    if world.drift_every and world.answers % world.drift_every == 0:
        _note_drift(world, f"{route.method} {route.path}", doc)


def _note_drift(world: "World", where: str, doc: Doc) -> None:
    found = drift.find(doc)
    if found and len(world.drift) < _DRIFT_KEPT:
        world.drift += [f"{where}: {line}" for line in found]


def _headers(request_id: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "request-id": request_id,
        "stripe-version": sdk.api_version(),
    }


def _refusal(world: "World", error: errors.ApiError, request_id: str) -> Answer:
    if world.drift_every:
        for name in _OBJECTS_IN_ERRORS:
            if name in error.error:
                _note_drift(world, f"error.{name}", error.error[name])
    body = json.dumps({"error": error.error}).encode()
    return Answer(error.status, body, _headers(request_id) | error.headers)
