"""Keys are exchanged while everything runs: what the old one signed holds until it is taken out."""

import base64
import dataclasses
import hashlib
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from amends import keyring
from tests.web import kit
from tests.web.desk_at_provider import Desk
from tests.web.fake_provider import FakeProvider
from web import pending

OLD, NEW = "old-9mQ2vTz7LpW4cRk8HsJd3NbYg6Ea", "new-4xB7wKe2RyC9tGh5ZmVq8SdLf3Pj"
COOKIE = "__Host-amends-oidc"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk(FakeProvider())
    yield made
    await made.browser.aclose()


def use(app: Starlette, *keys: str) -> None:
    """As if the process had started again with these keys."""
    known = keyring.keys(kit.settings(secret_key=",".join(keys)))
    app.state.house = dataclasses.replace(app.state.house, keys=known)


@pytest.mark.req("V11.2.2", "V13.3.4", "F62")
async def test_a_sign_in_under_way_outlives_the_exchange_of_the_key(desk: Desk) -> None:
    use(desk.app, OLD)
    carried = await desk.begin()
    assert desk.browser.cookies[COOKIE].startswith(keyring.key_id(OLD.encode()) + ".")
    use(desk.app, NEW, OLD)
    assert (await desk.finish(carried)).status_code == 200


@pytest.mark.req("V11.2.2", "F62")
async def test_the_new_key_signs_from_then_on(desk: Desk) -> None:
    use(desk.app, NEW, OLD)
    await desk.begin()
    assert desk.browser.cookies[COOKIE].startswith(keyring.key_id(NEW.encode()) + ".")


@pytest.mark.req("V9.1.1", "V13.3.4")
async def test_a_key_that_was_taken_out_verifies_nothing(desk: Desk) -> None:
    use(desk.app, OLD)
    carried = await desk.begin()
    use(desk.app, NEW)
    assert (await desk.finish(carried)).status_code == 400


@pytest.mark.req("V9.1.1")
async def test_the_name_of_one_key_does_not_carry_the_signature_of_another(desk: Desk) -> None:
    use(desk.app, OLD)
    carried = await desk.begin()
    signed = desk.browser.cookies[COOKIE].partition(".")[2]
    desk.browser.cookies.set(
        COOKIE, f"{keyring.key_id(NEW.encode())}.{signed}", domain="desk.amends.example"
    )
    desk.browser.cookies.delete(COOKIE, domain="desk.amends.example", path="/")
    use(desk.app, NEW, OLD)
    assert (await desk.finish(carried)).status_code == 400


@pytest.mark.req("V11.4.1", "V11.4.3")
def test_cookies_are_signed_with_sha_256() -> None:
    signer = pending._signer(keyring.Key("abcd", b"k" * 32))
    signature = str(signer.dumps([])).rpartition(".")[2]
    assert len(base64.urlsafe_b64decode(signature + "=")) == hashlib.sha256().digest_size


def test_the_name_of_a_key_tells_nothing_of_it() -> None:
    names = {keyring.key_id(f"{number}{OLD}".encode()) for number in range(200)}
    assert len(names) > 195 and all(len(name) == 4 for name in names)
