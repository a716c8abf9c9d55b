"""A provider whose clock stands still, and an application that signs in there."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.identity import Provider, create_app, keys
from tests.sandbox.signing_in import BASE, CALLBACK, ISSUER, Application, FixedClock


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making an RSA key takes a while; one serves all tests."""
    path = tmp_path_factory.mktemp("key") / "identity-key.json"
    keys.load_or_create(path)
    return path


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def provider(tmp_path: Path, signing_key: Path, clock: FixedClock) -> Provider:
    (tmp_path / "identity-key.json").write_bytes(signing_key.read_bytes())
    return Provider(
        issuer=ISSUER,
        client_id="amends",
        client_secret="a secret of tests",
        redirect_uris=[CALLBACK],
        now=clock,
        state_dir=tmp_path,
    )


@pytest.fixture
async def application(provider: Provider) -> AsyncIterator[Application]:
    app = Starlette(routes=[Mount("/idp", create_app(provider))])
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE) as http:
        yield Application(http, provider)
