"""A body of a gigabyte in pieces: it is cut off at the limit, and memory does not grow with it."""

import tracemalloc
from collections.abc import AsyncIterator

import pytest

from portal import answers, stripe_webhook
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.visitor import Browser
from web import security

pytestmark = pytest.mark.req("V5.2.1", "T45", "V15.2.2")
GIGABYTE = 1024**3
PIECE = b"x" * (64 * 1024)
# What one request may hold beside its limit: what is spooled to disk does not count.
MOST_HELD = 8 * 1024 * 1024
BORDER = "piece"


class Body:
    """A gigabyte that is made as it is asked for, and how much of it was."""

    def __init__(self, head: bytes) -> None:
        self.head, self.sent = head, 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """No length is announced, so nothing can be refused before it arrives."""
        yield self.head
        while self.sent < GIGABYTE:
            self.sent += len(PIECE)
            yield PIECE


def _file(name: str) -> bytes:
    return (
        f'--{BORDER}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    ).encode()


async def _held(browser: Browser, path: str, body: Body, kind: str) -> tuple[int, int]:
    """The answer's status, and the most memory that was held above the start."""
    await browser.http.get("/sign-in")
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        answer = await browser.http.post(
            path, content=body.pieces(), headers={"content-type": kind}
        )
        return answer.status_code, tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


async def test_a_gigabyte_as_a_file_is_cut_off_and_memory_stays(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    body = Body(_file("statement.txt"))
    kind = f"multipart/form-data; boundary={BORDER}"
    status, held = await _held(priya, f"{filing.base}/story", body, kind)
    assert status == 413
    assert body.sent <= answers.MAX_UPLOAD + 2 * len(PIECE)
    assert held < MOST_HELD, f"{held:,} bytes"


@pytest.mark.parametrize(
    ("path", "limit"),
    [("/sign-in", security.MAX_BODY), ("/stripe/webhook", stripe_webhook.MAX_EVENT)],
)
async def test_a_gigabyte_where_no_file_is_taken_is_cut_off_at_once(
    visitor: Browser, path: str, limit: int
) -> None:
    body = Body(b"email=")
    kind = "application/x-www-form-urlencoded" if path == "/sign-in" else "application/json"
    status, held = await _held(visitor, path, body, kind)
    assert status == 413
    assert body.sent <= limit + 2 * len(PIECE)
    assert held < MOST_HELD, f"{held:,} bytes"
