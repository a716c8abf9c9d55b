"""Mail: what headers cannot be made to do, and how failures of sending are told apart."""

import asyncio
import dataclasses
import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends import facts
from amends.gateways import mail, mail_samples
from tests.gateways import mail_server

AT = datetime(2026, 11, 24, 15, 2, tzinfo=UTC)
ENVELOPE = mail.Envelope(
    to="billing@harborfitness.example",
    sender="billing@harborlight.example",
    reply_to="billing+RB-2417@harborlight.example",
    message_id="<5f0c.refund_sent@harborlight.example>",
    written_at=AT,
)


# --- Composing -----------------------------------------------------------------------------------


def composed(name: str = "done", **envelope: object) -> EmailMessage:
    pdf = mail.Attachment("proof RB-2417.pdf", "application/pdf", b"%PDF-1.7")
    changed = dataclasses.replace(ENVELOPE, **envelope)  # type: ignore[arg-type]
    return mail.compose(mail_samples.sample(name), changed, (pdf,))


def parsed(message: EmailMessage) -> EmailMessage:
    read_back = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert isinstance(read_back, EmailMessage)
    return read_back


def test_a_composed_mail_has_its_headers_parts_and_attachment() -> None:
    message = parsed(
        composed(in_reply_to="<a@b.example>", references=("<a@b.example>", "<c@d.example>"))
    )
    assert message["From"] == "Harborlight Scanners <billing@harborlight.example>"
    assert message["To"] == "billing@harborfitness.example"
    assert message["Message-ID"] == ENVELOPE.message_id
    assert message["Date"] == "Tue, 24 Nov 2026 15:02:00 +0000"
    assert message["In-Reply-To"] == "<a@b.example>"
    assert message["References"] == "<a@b.example> <c@d.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text and html
    assert "Hello Priya Raman," in text.get_content()
    assert html.get_content().startswith("<!doctype html>")
    (file,) = message.iter_attachments()
    assert file.get_filename() == "proof RB-2417.pdf"
    assert file.get_content() == b"%PDF-1.7"


def test_a_persons_message_is_not_marked_automatic() -> None:
    assert "Auto-Submitted" not in composed("message_from_us")


def test_lines_are_short_enough_for_every_server() -> None:
    lines = composed("refund_sent").as_bytes().split(b"\r\n")
    assert max(len(line) for line in lines) <= 998
    assert all(b"\n" not in line for line in lines)


def test_unicode_names_and_domains_travel() -> None:
    company = dataclasses.replace(mail_samples.COMPANY, name="Żółć 株式会社")
    sample = dataclasses.replace(mail_samples.sample("done"), company=company)
    message = parsed(mail.compose(sample, dataclasses.replace(ENVELOPE, to="a@bücher.example")))
    assert message["From"].addresses[0].display_name == "Żółć 株式会社"
    assert message["To"] == "a@xn--bcher-kva.example"


BAD_ADDRESSES = [
    "",
    "nobody",
    "a@b.example, c@d.example",
    "a@b.example\r\nBcc: c@d.example",
    "a@b.example\x00",
    "<a@b.example>",
    "Priya <a@b.example>",
    "a b@c.example",
    "żółć@b.example",
    "a@",
    "@b.example",
    "a@b..example",
    "a(comment)@b.example",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_address_that_is_not_one_mailbox_is_undeliverable(address: str) -> None:
    with pytest.raises(mail.Undeliverable):
        composed(to=address)


@pytest.mark.parametrize("bad", ["a@b.example", "<a b@c>", "<a@b>\r\nX: y", "<a@b> <c@d>", ""])
def test_a_message_id_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        composed(message_id=bad)


HEADERS = {"From", "To", "Reply-To", "Date", "Message-ID", "Subject", "Auto-Submitted"}
HEADERS |= {"X-Auto-Response-Suppress", "MIME-Version", "Content-Type"}


@pytest.mark.req("T49", "V1.3.11")
@settings(max_examples=60, deadline=None)
@given(name=st.text(max_size=60), reference=st.text(max_size=20), order=st.text(max_size=20))
def test_no_text_can_add_headers_or_recipients(name: str, reference: str, order: str) -> None:
    company = dataclasses.replace(mail_samples.COMPANY, name=name)
    head = dataclasses.replace(mail_samples.CASE, reference=reference, order=order)
    sample = dataclasses.replace(mail_samples.sample("withdrawn"), company=company)
    sample = dataclasses.replace(sample, case=head)  # type: ignore[call-arg]
    message = parsed(mail.compose(sample, ENVELOPE))
    assert set(message.keys()) == HEADERS
    assert [a.addr_spec for a in message["To"].addresses] == [ENVELOPE.to]
    assert [a.addr_spec for a in message["From"].addresses] == [ENVELOPE.sender]


@pytest.mark.req("T49")
@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_no_attachment_name_can_add_a_header(name: str) -> None:
    file = mail.Attachment(f"{name}.pdf", "application/pdf", b"%PDF-1.7")
    message = parsed(mail.compose(mail_samples.sample("withdrawn"), ENVELOPE, (file,)))
    (attached,) = message.iter_attachments()
    assert set(attached.keys()) <= {
        "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version",
    }  # fmt: skip
    assert attached.get_content_type() == "application/pdf"


def test_a_new_message_id_carries_token_and_domain() -> None:
    assert mail.new_message_id("5f0c.done", "billing@h.example") == "<5f0c.done@h.example>"


# --- Sending -------------------------------------------------------------------------------------


async def test_a_sent_mail_arrives_once_with_its_recipient() -> None:
    async with mail_server.running(mail_server.Sink()) as sink:
        await mail.send(composed(), sink.url)
    (envelope,) = sink.taken
    assert envelope.rcpt_tos == [ENVELOPE.to]
    assert envelope.mail_from == ENVELOPE.sender
    assert ENVELOPE.message_id.encode() in cast(bytes, envelope.content)


async def test_a_lost_good_bye_does_not_make_it_sent_again() -> None:
    async with mail_server.running(mail_server.Sink(drop_at_quit=True)) as sink:
        await mail.send(composed(), sink.url)
    assert len(sink.taken) == 1


@pytest.mark.parametrize("answer", ["450 4.2.1 mailbox busy", "452 4.2.2 mailbox full"])
async def test_a_passing_no_is_tried_later(answer: str) -> None:
    async with mail_server.running(mail_server.Sink(rcpt=answer)) as sink:
        with pytest.raises(mail.TryLater, match=re.escape(answer)):
            await mail.send(composed(), sink.url)


async def test_a_greylisted_mail_is_tried_later() -> None:
    async with mail_server.running(mail_server.Sink(data="451 4.7.1 try again")) as sink:
        with pytest.raises(mail.TryLater) as caught:
            await mail.send(composed(), sink.url)
    assert isinstance(caught.value, facts.Unavailable)


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_a_lasting_no_is_undeliverable(where: str) -> None:
    sink = mail_server.Sink(**{where: "550 5.1.1 no such mailbox"})  # type: ignore[arg-type]
    async with mail_server.running(sink):
        with pytest.raises(mail.Undeliverable, match=re.escape("550 5.1.1 no such mailbox")):
            await mail.send(composed(), sink.url)


@pytest.mark.req("V16.5.2")
async def test_no_server_is_tried_later() -> None:
    async with mail_server.running(mail_server.Sink()) as sink:
        url = sink.url
    with pytest.raises(mail.TryLater):
        await mail.send(composed(), url)


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        gone.set()

    gone = asyncio.Event()
    monkeypatch.setattr(mail, "_TIMEOUT_S", 0.1)
    server = await asyncio.start_server(never, "127.0.0.1", 0)
    with pytest.raises(mail.TryLater, match="Timeout"):
        await mail.send(composed(), f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await gone.wait()
    server.close()


@pytest.mark.req("V12.3.1")
async def test_an_unencrypted_server_elsewhere_gets_neither_mail_nor_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "_is_this_machine", lambda host: False)
    async with mail_server.running(mail_server.Sink()) as sink:
        with pytest.raises(mail.TryLater) as caught:
            await mail.send(composed(), f"smtp://user:secret@127.0.0.1:{sink.port}")
    assert sink.taken == []
    assert "secret" not in str(caught.value)


@pytest.mark.req("V12.3.2")
async def test_a_server_with_a_certificate_nobody_vouches_for_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mail, "_is_this_machine", lambda host: False)
    tls = mail_server.self_signed(tmp_path / "pem")
    async with mail_server.running(mail_server.Sink(), tls) as sink:
        with pytest.raises(mail.TryLater):
            await mail.send(composed(), sink.url)
    assert sink.taken == []


@pytest.mark.req("V12.3.1")
async def test_a_server_with_a_trusted_certificate_gets_the_mail_encrypted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mail, "_is_this_machine", lambda host: False)
    tls = mail_server.self_signed(tmp_path / "pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pem"))
    async with mail_server.running(mail_server.Sink(), tls) as sink:
        await mail.send(composed(), sink.url)
    assert [envelope.rcpt_tos for envelope in sink.taken] == [[ENVELOPE.to]]
    assert sink.encrypted


async def test_a_refused_password_waits_for_us_to_mend_it() -> None:
    async with mail_server.running(mail_server.Sink()) as sink:
        with pytest.raises(mail.TryLater):
            await mail.send(composed(), f"smtp://user:secret@127.0.0.1:{sink.port}")


@pytest.mark.parametrize("url", ["", "http://h:25", "smtp://", "mail.example:25"])
async def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="smtp://"):
        await mail.send(composed(), url)


def test_loopback_is_told_from_the_rest() -> None:
    assert [mail._is_this_machine(h) for h in ("localhost", "127.0.0.1", "::1")] == [True] * 3
    assert [mail._is_this_machine(h) for h in ("mail.example", "10.0.0.1")] == [False] * 2
