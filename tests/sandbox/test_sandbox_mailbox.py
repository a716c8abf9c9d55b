"""The sandbox's mail server: what it keeps, what it refuses, and its pages."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.mailbox import Desk, Inbox, Mailbox, Server, create_app
from tests.sandbox.signing_in import BASE, FixedClock

PRIYA = "billing@harborfitness.example"


@pytest.fixture
async def server(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Server]:
    server = Server(Mailbox(tmp_path / "mail", clock))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def browser(server: Server, clock: FixedClock) -> AsyncIterator[httpx2.AsyncClient]:
    """The pages, writing to the same server as if it were the application's inbox."""
    inbox = Inbox("127.0.0.1", server.port, "support@amends.example")
    app = Starlette(routes=[Mount("/mailbox", create_app(Desk(server.mailbox, clock, inbox)))])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=BASE) as http:
        yield http


def _mail(subject: str = "Your code", text: str = "Your code is 4711 0815.") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Amends <billing@amends.example>", PRIYA, subject
    mail["Message-ID"] = "<1@amends.example>"
    mail.set_content(text)
    return mail


async def _send(server: Server, mail: EmailMessage) -> None:
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=server.port, start_tls=False)


async def test_it_keeps_what_it_takes_and_finds_it(server: Server) -> None:
    await _send(server, _mail())
    await _send(server, _mail("Refund sent"))
    assert [m.subject for m in server.mailbox.all()] == ["Your code", "Refund sent"]
    assert len(server.mailbox.to("BILLING@harborfitness.example")) == 2
    assert server.mailbox.to("nobody@x.example") == ()
    found = server.mailbox.latest(to=PRIYA, subject_contains="code")
    assert found is not None
    assert "4711 0815" in found.text
    assert found.message_id == "<1@amends.example>"


async def test_it_waits_for_a_mail(server: Server) -> None:
    waiting = asyncio.create_task(server.mailbox.wait_for(to=PRIYA, subject_contains="code"))
    await _send(server, _mail())
    assert (await waiting).subject == "Your code"
    with pytest.raises(TimeoutError):
        await server.mailbox.wait_for(to=PRIYA, after=1, timeout_s=0.05)


async def test_it_remembers_over_a_restart(server: Server, clock: FixedClock) -> None:
    await _send(server, _mail())
    again = Mailbox(server.mailbox.folder, clock)
    assert again.all() == server.mailbox.all()


async def test_it_says_try_later_and_then_takes_it(server: Server) -> None:
    server.faults.refuse_next(1)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await _send(server, _mail())
    assert refused.value.code == 451
    await _send(server, _mail())
    assert len(server.mailbox.all()) == 1


async def test_it_rejects_for_good(server: Server) -> None:
    server.faults.reject_next(1)
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await _send(server, _mail())
    assert refused.value.code == 550
    server.faults.bounce(PRIYA)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await _send(server, _mail())


async def test_it_refuses_connections_and_comes_back_on_the_same_port(server: Server) -> None:
    await server.stop()
    with pytest.raises(aiosmtplib.SMTPConnectError):
        await _send(server, _mail())
    await server.start()
    await _send(server, _mail())
    assert len(server.mailbox.all()) == 1


async def test_it_lists_the_newest_first(server: Server, browser: httpx2.AsyncClient) -> None:
    assert "No mail yet" in (await browser.get("/mailbox/")).text
    for subject in ("First", "Second"):
        await _send(server, _mail(subject))
    page = (await browser.get("/mailbox/")).text
    assert page.index("Second") < page.index("First")
    assert "No mail to" in (await browser.get("/mailbox/?to=x@y.example")).text


async def test_it_pages_through_old_mail(server: Server, browser: httpx2.AsyncClient) -> None:
    for number in range(1, 53):
        server.mailbox.add("a@b.example", (PRIYA,), f"Subject: Mail {number}.\n\nx".encode())
    first = (await browser.get("/mailbox/")).text
    assert "Mail 3." in first
    assert "Mail 2." not in first
    assert "before=3" in first
    assert "Mail 2." in (await browser.get("/mailbox/?before=3")).text


async def test_it_shows_text_with_links_and_escapes_the_rest(
    server: Server, browser: httpx2.AsyncClient
) -> None:
    await _send(server, _mail("<b>Hi", "Go to http://127.0.0.1:8700/sign-in <script>x</script>"))
    page = (await browser.get("/mailbox/1")).text
    assert 'href="http://127.0.0.1:8700/sign-in"' in page
    assert "<script" not in page
    assert "&lt;b&gt;Hi" in page


async def test_it_shuts_html_into_a_frame(server: Server, browser: httpx2.AsyncClient) -> None:
    mail = _mail()
    mail.add_alternative("<p>Hello <script>alert(1)</script></p>", subtype="html")
    await _send(server, mail)
    page = (await browser.get("/mailbox/1")).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "alert(1)" not in page
    part = await browser.get("/mailbox/1/html")
    assert part.headers["content-security-policy"].startswith("sandbox ")
    assert "4711 0815" in (await browser.get("/mailbox/1?view=text")).text
    assert "Message-ID" in (await browser.get("/mailbox/1?view=headers")).text
    assert (await browser.get("/mailbox/1/source")).headers["content-type"].startswith("text/plain")


async def test_it_hands_out_attachments(server: Server, browser: httpx2.AsyncClient) -> None:
    mail = _mail("Proof of refund")
    mail.add_attachment(
        b"%PDF-1.7 proof", maintype="application", subtype="pdf", filename="beleg ä.pdf"
    )
    await _send(server, mail)
    assert "beleg ä.pdf" in (await browser.get("/mailbox/1")).text
    file = await browser.get("/mailbox/1/attachments/1")
    assert file.content == b"%PDF-1.7 proof"
    assert file.headers["content-disposition"].startswith("attachment;")
    for missing in ("/mailbox/1/attachments/2", "/mailbox/9", "/mailbox/9/html"):
        assert (await browser.get(missing)).status_code == 404


async def test_it_survives_a_mail_that_makes_no_sense(
    server: Server, browser: httpx2.AsyncClient
) -> None:
    server.mailbox.add("", (), b"Content-Type: text/plain; charset=klingon\n\n\xff\xfe")
    server.mailbox.add("", (), b"\x00\xff")
    for number in (1, 2):
        assert (await browser.get(f"/mailbox/{number}")).status_code == 200
        assert (await browser.get(f"/mailbox/{number}?view=headers")).status_code == 200
    assert (await browser.get("/mailbox/")).status_code == 200


async def test_programs_read_it_as_json(server: Server, browser: httpx2.AsyncClient) -> None:
    await _send(server, _mail())
    [mail] = (await browser.get("/mailbox/messages.json", params={"to": PRIYA})).json()
    assert mail["subject"] == "Your code"
    assert "4711 0815" in mail["text"]


async def test_priya_answers_a_mail(server: Server, browser: httpx2.AsyncClient) -> None:
    await _send(server, _mail("We need an answer"))
    form = (await browser.get("/mailbox/compose?reply=1")).text
    assert f'value="{PRIYA}"' in form
    assert 'value="Re: We need an answer"' in form
    sent = await browser.post(
        "/mailbox/compose",
        data={
            "sender": f"Priya Raman <{PRIYA}>",
            "to": "support@amends.example",
            "subject": "Re: We need an answer",
            "text": "Here is the receipt.",
            "in_reply_to": "<1@amends.example>",
            "dmarc": "pass",
        },
        files={"files": ("receipt.txt", b"paid", "text/plain")},
    )
    assert sent.status_code == 303
    mail = server.mailbox.latest(to="support@amends.example")
    assert mail is not None
    assert mail.header("in-reply-to") == "<1@amends.example>"
    assert "dmarc=pass header.from=harborfitness.example" in mail.header("authentication-results")
    assert mail.attachments[0].content == b"paid"


async def test_it_says_when_the_inbox_does_not_take_a_mail(
    server: Server, browser: httpx2.AsyncClient
) -> None:
    server.faults.reject_next(1)
    draft = {"sender": PRIYA, "to": "support@amends.example", "subject": "x", "text": "Kept"}
    answer = await browser.post("/mailbox/compose", data=draft)
    assert answer.status_code == 422
    assert "did not take it" in answer.text
    assert "Kept" in answer.text
    broken = await browser.post("/mailbox/compose", data=draft | {"subject": "a\nBcc: b@c.example"})
    assert broken.status_code == 422
