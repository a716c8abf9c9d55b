"""The listener: says yes when it is stored, later when it is not, no when it never can be."""

import asyncio
import contextlib
import ipaddress
import logging
import smtplib
from collections.abc import AsyncIterator, Awaitable, Callable

import aiosmtplib
import pytest
from structlog.testing import capture_logs

from amends import facts, reply_address
from amends.gateways import inbox
from amends.gateways.inbox_mail import Mail, Unreadable
from tests.inbox import letters
from tests.inbox.letters import EVE, PRIYA, SUPPORT, Letter

Take = Callable[[Mail], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(
    take: Take, wire: inbox.Wire = inbox.Wire.SMTP, relays: tuple[str, ...] = inbox.LOOPBACK
) -> AsyncIterator[int]:
    networks = [ipaddress.ip_network(each) for each in relays]
    taker = inbox.Inbox(take, reply_address.is_ours, letters.GATEWAY, networks)
    listener = inbox.Listener(taker, wire)
    port = await listener.start("127.0.0.1", 0)
    try:
        yield port
    finally:
        await listener.stop()


class Taken(list[Mail]):
    async def __call__(self, mail: Mail) -> None:
        self.append(mail)


async def send(port: int, raw: bytes, to: list[str] | None = None, sender: str = PRIYA) -> str:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        _, answer = await client.sendmail(sender, to or [SUPPORT], raw)
    return answer


async def refusal(port: int, raw: bytes, to: list[str] | None = None) -> tuple[int, str]:
    with pytest.raises(aiosmtplib.SMTPException) as error:
        await send(port, raw, to)
    seen = error.value
    if isinstance(seen, aiosmtplib.SMTPRecipientsRefused):
        seen = seen.recipients[0]
    assert isinstance(seen, aiosmtplib.SMTPResponseException)
    return seen.code, seen.message


async def test_it_takes_a_mail_to_our_addresses() -> None:
    taken = Taken()
    async with listening(taken) as port:
        signed = reply_address.signed("RB-2417")
        answer = await send(port, Letter().raw(), [SUPPORT, letters.SENDER, signed])
    assert answer == "2.0.0 Taken"
    [mail] = taken
    assert mail.recipients[:3] == (SUPPORT, letters.SENDER, signed)


async def test_a_bounce_comes_without_a_sender() -> None:
    taken = Taken()
    async with listening(taken) as port:
        await send(port, letters.bounce("<a@northwind.example>"), [letters.SENDER], sender="")
    assert taken[0].bounce is not None


@pytest.mark.parametrize(
    "address",
    [
        "sales@northwind.example",
        EVE,
        "support+RB-2417@northwind.example",
        f"support+RB-2417.{'a' * 24}@northwind.example",
        "support@northwind.example.evil.example",
    ],
)
async def test_it_takes_mail_for_nobody_else(address: str) -> None:
    taken = Taken()
    async with listening(taken) as port:
        code, words = await refusal(port, Letter().raw(), [address])
    assert (code, words[:33]) == (550, "5.1.1 There is no such mailbox. R")
    assert taken == []


async def test_it_takes_ten_recipients_and_no_more() -> None:
    taken = Taken()
    async with listening(taken) as port:
        await send(port, Letter().raw(), [reply_address.signed(f"RB-{n}") for n in range(11)])
    assert len([r for r in taken[0].recipients if "+" in r]) == 10


@pytest.mark.req("V4.1.3")
async def test_only_our_gateway_may_connect() -> None:
    taken = Taken()
    async with listening(taken, relays=("192.0.2.7/32",)) as port:
        with pytest.raises(aiosmtplib.SMTPSenderRefused, match="Only the mail gateway"):
            await send(port, Letter().raw())
    assert taken == []


@pytest.mark.parametrize(
    ("peer", "known"),
    [
        (("127.0.0.1", 25), True),
        (("::1", 25, 0, 0), True),
        (("::ffff:127.0.0.1", 25, 0, 0), True),
        (("192.0.2.1", 25), False),
        (("", 0), False),
        ("", False),
        (None, False),
    ],
)
def test_the_gateway_is_known_by_its_address(peer: object, known: bool) -> None:
    assert inbox.Inbox(Taken(), reply_address.is_ours, "").knows(peer) is known


@pytest.mark.req("B14")
@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (facts.Unavailable("The store is down"), 451, "It is taken when it is sent again"),
        (ConnectionRefusedError("5432"), 451, "It is taken when it is sent again"),
        (facts.Refused("a rule"), 451, "It is taken when it is sent again"),
        (RuntimeError("a bug with 4242424242424242"), 451, "It is taken when it is sent again"),
        (facts.TooMany("Too many", 60), 450, "They are taken later"),
        (Unreadable("This mail cannot be read."), 554, "This mail cannot be read."),
    ],
)
async def test_what_was_not_stored_is_not_taken(error: Exception, code: int, words: str) -> None:
    async def fail(mail: Mail) -> None:
        raise error

    with capture_logs() as lines:
        async with listening(fail) as port:
            found = await refusal(port, Letter(subject="4242424242424242").raw())
    assert found[0] == code
    assert words in found[1]
    assert "4242" not in str(lines)


async def test_what_takes_too_long_is_taken_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_WHOLE_S", 0.05)

    async def hang(mail: Mail) -> None:
        await asyncio.sleep(30)

    async with listening(hang) as port:
        assert (await refusal(port, Letter().raw()))[0] == 451


@pytest.mark.req("T45")
async def test_a_mail_of_more_than_25_mb_is_refused() -> None:
    taken = Taken()
    async with listening(taken) as port:
        huge = letters.raw(f"From: {PRIYA}", b"x" * 70 + b"\r\n") + (b"x" * 70 + b"\r\n") * 365_000
        assert len(huge) > inbox.MAX_BYTES
        assert (await refusal(port, huge))[0] == 552
    assert taken == []


async def test_a_line_of_30_kb_is_taken() -> None:
    taken = Taken()
    async with listening(taken) as port:
        await send(port, letters.raw(f"From: {PRIYA}", "word " * 6000))
    assert len(taken[0].own) > 19_000


async def test_lmtp_answers_for_every_recipient() -> None:
    taken = Taken()
    to = [SUPPORT, letters.SENDER]
    async with listening(taken, inbox.Wire.LMTP) as port:

        def speak() -> list[bytes]:
            with smtplib.LMTP("127.0.0.1", port, timeout=10) as client:
                client.ehlo_or_helo_if_needed()
                client.mail(PRIYA)
                for address in to:
                    assert client.rcpt(address)[0] == 250
                client.putcmd("data")
                assert client.getreply()[0] == 354
                client.send(Letter().raw() + b".\r\n")
                return [b"%d %s" % client.getreply() for _ in to]

        answers = await asyncio.to_thread(speak)
    assert answers == [b"250 2.0.0 Taken"] * 2
    assert len(taken) == 1


async def test_a_mail_under_way_gets_its_answer_before_the_end() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(mail: Mail) -> None:
        entered.set()
        await go_on.wait()

    taker = inbox.Inbox(slow, reply_address.is_ours, letters.GATEWAY)
    listener = inbox.Listener(taker, inbox.Wire.SMTP)
    port = await listener.start("127.0.0.1", 0)
    sending = asyncio.create_task(send(port, Letter().raw()))
    await entered.wait()
    stopping = asyncio.create_task(listener.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    go_on.set()
    assert await sending == "2.0.0 Taken"
    await stopping


@pytest.mark.req("T54", "V16.2.5")
async def test_no_word_of_a_mail_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with listening(Taken()) as port:
            await send(port, Letter(subject="4242424242424242", text="Mrs. Raman's words").raw())
            with contextlib.suppress(aiosmtplib.SMTPException):
                async with aiosmtplib.SMTP(
                    hostname="127.0.0.1", port=port, start_tls=False
                ) as client:
                    await client.execute_command(b"4242424242424242")
    ours = [record.getMessage() for record in caplog.records if record.name == "mail.log"]
    assert ours == []
    assert "Raman" not in str(lines)
    assert "4242" not in str(lines)
