"""The pages that people open most ask PostgreSQL even less often."""

import pytest

from amends.rules.people import Role
from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser
from tests.speed.counting import statements


async def _statements(client: object, address: str) -> int:
    with statements() as seen:
        assert (await client.get(address)).status_code == 200  # type: ignore[attr-defined]
    return len(seen)


@pytest.mark.usefixtures("db")
async def test_a_case_is_the_session_and_the_case_with_the_note_of_who_looked() -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole", Role.MANAGER)
    case, _ = await scene.proposed(await scene.harbor(), sam)
    client = await desk.browser(dana)
    assert await _statements(client, f"/cases/{case.ref}?view=manager") == 2


@pytest.mark.usefixtures("own_files")
async def test_a_request_and_the_list_of_requests_are_one_statement_beside_the_session(
    priya: Browser, harbor: Customers
) -> None:
    case, _ = await scene.proposed(harbor, await scene.staff("Sam Ito"))
    assert await _statements(priya.http, f"/requests/{case.ref}") == 2
    assert await _statements(priya.http, "/requests") == 2
