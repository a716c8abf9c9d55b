"""The worker's own client: answers, and every way in which none comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from amends import settings
from amends.gateways import stripe, stripe_client, stripe_connection, stripe_money

_REFUND = b'{"id": "re_1", "object": "refund", "amount": 500, "currency": "usd", "created": 1}'
_PARAMS = {"charge": "ch_1", "amount": 500, "metadata": {"leg": "one"}}
Say = Callable[[bytes], bytes]


def _answer(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\ncontent-length: {size}\r\n\r\n".encode() + body


@asynccontextmanager
async def _stripe(say: Say, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[bytes]]:
    """A server that reads one request a connection, says what it is told, and hangs up."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))
        writer.write(say(heard[-1]))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("AMENDS_STRIPE_API_BASE", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AMENDS_STRIPE_SECRET_KEY", "rk_test_worker")
    async with server, stripe_connection.kept(settings.Settings()):
        yield heard


async def test_it_sends_the_frozen_parameters_under_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _stripe(lambda _: _answer(_REFUND), monkeypatch) as heard:
        made = await stripe_money.create_refund(_PARAMS, "amends:one:refund:1")
    assert made.id == "re_1"
    (sent,) = heard
    assert sent.startswith(b"POST /v1/refunds HTTP/1.1\r\n")
    assert b"\r\nIdempotency-Key: amends:one:refund:1\r\n" in sent
    assert sent.endswith(b"charge=ch_1&amount=500&metadata[leg]=one")


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 200 OK\r\n", _answer(_REFUND, length=9_999), b"no HTTP at all\r\n\r\n"],
    ids=["hung up", "half a head", "half a body", "noise"],
)
async def test_no_whole_answer_is_unknown_and_sent_only_once(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _stripe(lambda _: said, monkeypatch) as heard:
        with pytest.raises(stripe.Unknown):
            await stripe_money.create_refund(_PARAMS, "amends:one:refund:1")
    assert len(heard) == 1


async def test_a_delete_on_a_broken_connection_is_sent_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with _stripe(lambda _: b"", monkeypatch) as heard:
        with pytest.raises(stripe.Unknown):
            await stripe_money.end_subscription("sub_1", "amends:one:end:1")
    assert len(heard) == 1


async def test_silence_ends_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_client, "MONEY_TIMEOUT_S", 0.2)

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("AMENDS_STRIPE_API_BASE", f"http://127.0.0.1:{port}")
    async with server, stripe_connection.kept(settings.Settings()):
        with pytest.raises(stripe.Unknown):
            await stripe_money.create_refund(_PARAMS, "amends:one:refund:1")


async def test_a_refusal_and_an_error_of_theirs_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusal = b'{"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}}'
    async with _stripe(lambda _: _answer(refusal, "400 Bad Request"), monkeypatch):
        with pytest.raises(stripe.Refused) as refused:
            await stripe_money.create_refund(_PARAMS, "amends:one:refund:1")
    assert refused.value.code == "charge_already_refunded"
    async with _stripe(lambda _: _answer(b"{}", "500 Oops"), monkeypatch):
        with pytest.raises(stripe.Unknown) as unknown:
            await stripe_money.create_refund(_PARAMS, "amends:one:refund:1")
    assert unknown.value.stored
