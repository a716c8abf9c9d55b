"""Over a real socket: hang-ups, silence, uploads, webhooks, a path prefix."""

import io
import socket
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from sandbox.stripe_twin import deliver
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.world import World

SECRET = "whsec_socket"


async def eventually(holds):
    """Waits, five seconds at most, until something is so."""
    with anyio.fail_after(5):
        while True:
            if holds():
                return
            await anyio.sleep(0.005)


@asynccontextmanager
async def serving(app):
    """The app on a free port; yields the address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listener])
        await eventually(lambda: server.started)
        yield address
        server.should_exit = True


@asynccontextmanager
async def connected(world, address, patience_s=5.0, retries=0):
    http = stripe.HTTPXClient(timeout=patience_s)
    yield stripe.StripeClient(
        "sk_test_1",
        http_client=http,
        base_addresses={"api": address, "files": address},
        max_network_retries=retries,
    )
    await http.close_async()


def charge_in(world):
    priya = world.add_customer("billing@harborfitness.example", "Priya Raman")["id"]
    return world.add_charge(priya, world.add_card(priya)["id"], 6000)["id"]


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        (FaultKind.LOST_REQUEST, 0),
        (FaultKind.LOST_RESPONSE, 1),
        (FaultKind.TIMEOUT_BEFORE, 0),
        (FaultKind.TIMEOUT_AFTER, 1),
    ],
)
async def test_it_breaks_real_connections(kind, left):
    world = World(seed=5)
    charge = charge_in(world)
    world.faults.add("POST /v1/refunds", kind)
    async with (
        serving(create_app(world)) as address,
        connected(world, address, patience_s=0.2) as client,
    ):
        with pytest.raises(stripe.APIConnectionError) as caught:
            await client.v1.refunds.create_async({"charge": charge})
    assert caught.value.should_retry
    assert len(world.store.table("refund").where("charge", charge)) == left


async def test_it_works_under_a_path_prefix_and_takes_files():
    world = World(seed=5)
    app = Starlette(routes=[Mount("/stripe", create_app(world))])
    async with serving(app) as address:
        world.public_url = f"{address}/stripe"
        charge = charge_in(world)
        async with connected(world, f"{address}/stripe", retries=2) as client:
            world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
            refund = await client.v1.refunds.create_async({"charge": charge})
            assert refund.last_response.headers["idempotent-replayed"] == "true"
            file = io.BytesIO(b"\x89PNG proof")
            file.name = "proof.png"
            sent = await client.v1.files.create_async({"purpose": "dispute_evidence", "file": file})
            assert world.file_content(sent.id) == b"\x89PNG proof"
            found = await client.v1.charges.retrieve_async(charge)
        assert found.receipt_url.startswith(f"{address}/stripe/pages/receipts/")
        async with httpx2.AsyncClient() as browser:
            page = await browser.get(found.receipt_url)
            assert page.status_code == 200
            style = await browser.get(f"{address}/stripe/pages/hosted.css")
            assert style.headers["content-type"].startswith("text/css")


async def test_it_posts_webhooks_until_they_are_taken():
    world, heard = World(seed=5), []

    async def hook(request: Request) -> Response:
        body = await request.body()
        signature = request.headers["stripe-signature"]
        event = stripe.Webhook.construct_event(body, signature, SECRET, api_key="sk_test_1")
        heard.append(event.type)
        # The first try of everything is turned away with a redirect, which counts as a failure.
        return Response(status_code=302 if len(heard) <= 4 else 200)

    app = Starlette(routes=[Route("/hook", hook, methods=["POST"])])
    async with serving(app) as address, anyio.create_task_group() as group:
        charge = charge_in(world)
        world.add_endpoint(f"{address}/hook", SECRET, ["refund.*", "charge.refund*"])
        group.start_soon(deliver.run, world)
        world.refund_in_dashboard(charge)
        await eventually(lambda: len(world.deliveries) == 4)
        world.advance(60)
        await eventually(lambda: len(world.deliveries) == 8)
        group.cancel_scope.cancel()
    assert sorted(heard[:4]) == sorted(heard[4:])
    assert [outcome.ok for outcome in world.deliveries] == [False] * 4 + [True] * 4
    assert all(event["pending_webhooks"] == 0 for event in world.events)
