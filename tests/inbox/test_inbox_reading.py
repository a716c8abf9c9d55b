"""One mail from its bytes: words in any charset, parts however nested, no card number anywhere."""

import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from amends.gateways import inbox_parts
from amends.gateways.inbox_mail import Origin, Unreadable
from amends.gateways.inbox_sender import Dmarc
from tests.inbox import letters
from tests.inbox.letters import PRIYA, Letter, raw, read

FROM = f"From: Priya <{PRIYA}>\nTo: support@northwind.example\nMessage-ID: <1@x.example>\n"


def test_a_usual_mail_is_read_whole() -> None:
    mail = Letter(message_id="<7.a@x.example>", answers="<1@northwind.example>").read()
    assert mail.message_id == "<7.a@x.example>"
    assert (mail.sender, mail.sender_name) == (PRIYA, "Priya Raman")
    assert mail.dmarc is Dmarc.PASS
    assert mail.origin is Origin.PERSON
    assert mail.recipients == (letters.SUPPORT,)
    assert mail.answers == ("<1@northwind.example>",)
    assert mail.own == "We were charged twice for order SO-10482."
    assert mail.is_reply


# --- Charsets --------------------------------------------------------------------------------

WORDS = "Grüße: 50 € für „Zoë“"


@pytest.mark.req("V1.1.1")
@pytest.mark.parametrize(
    ("charset", "coding"),
    [
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8"),
        ('"utf-8"', "utf-8"),
        ("windows-1252", "cp1252"),
        ("iso-8859-1", "cp1252"),  # a lie that most programs tell
        ("us-ascii", "utf-8"),
        ("us-ascii", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-7", "utf-7"),
        ("x-unknown", "utf-8"),
        ("unicode_escape", "utf-8"),
        ("zlib", "utf-8"),
        ("punycode", "utf-8"),
        ("", "utf-8"),
        ("klingon\udcff", "cp1252"),
        ("x" * 300, "utf-8"),
    ],
)
def test_words_survive_whatever_the_charset_says(charset: str, coding: str) -> None:
    head = f"{FROM}Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit"
    assert read(raw(head, WORDS.encode(coding))).own == WORDS


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("gb2312", "退款到新卡"),
        ("big5", "退款"),
        ("euc-kr", "환불"),
        ("koi8-r", "Возврат"),
        ("iso-2022-jp", "返金"),
        ("shift_jis", "返金"),
        ("windows-1256", "استرداد"),
    ],
)
def test_other_scripts_are_read(charset: str, words: str) -> None:
    head = f"{FROM}Content-Type: text/plain; charset={charset}"
    assert read(raw(head, words.encode(charset))).own == words


def test_bytes_that_are_no_text_still_leave_a_mail() -> None:
    mail = read(raw(f"{FROM}Content-Type: text/plain; charset=utf-8", b"ab\xff\xfe\x00\x81c"))
    assert mail.own.startswith("ab")
    assert "\x00" not in mail.own


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ==?= again", "Grüße again"),
        ("=?utf-8?b?a?= x", "=?utf-8?b?a?= x"),
        ("=?utf-8?q?unclosed x", "=?utf-8?q?unclosed x"),
        ("=?klingon?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Gr\udcc3\udcbc\udcc3\udc9fe", "Grüße"),
        ("Gr\udcfc\udcdfe", "Grüße"),
        ("a\n\tb", "a b"),
        ("a\u202eb\x07", "ab"),
        ("", ""),
    ],
)
def test_a_subject_is_one_line_whatever_it_was(subject: str, words: str) -> None:
    assert read(raw(f"{FROM}Subject: {subject}")).subject == words


# --- Parts -----------------------------------------------------------------------------------


def alternative(plain: str, markup: str) -> EmailMessage:
    made = Letter(text=plain).message()
    made.add_alternative(markup, subtype="html")
    return made


def test_plain_text_is_preferred() -> None:
    assert read(alternative("Plain", "<p>Not plain</p>").as_bytes()).own == "Plain"


def test_html_is_read_when_there_is_nothing_else() -> None:
    assert read(alternative(" \n", "<p>Refund <b>it</b></p>").as_bytes()).own == "Refund it"
    head = f"{FROM}Content-Type: text/html; charset=utf-8"
    assert read(raw(head, "<p>Hi<script>alert(1)</script></p>")).own == "Hi"


def test_text_around_files_is_one_text() -> None:
    made = EmailMessage(policy=SMTP)
    made["From"] = PRIYA
    made.make_mixed()
    for text in ("First", "Second"):
        part = EmailMessage(policy=SMTP)
        part.set_content(text)
        made.attach(part)
    assert read(made.as_bytes()).own == "First\n\nSecond"


def test_files_are_found_however_deep() -> None:
    body = "\r\n".join(
        [
            "--a\r\nContent-Type: multipart/related; boundary=b\r\n",
            "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n",
            "--c\r\nContent-Type: text/plain\r\n\r\nHello\r\n--c",
            "Content-Type: text/html\r\n\r\n<p>Hello</p>\r\n--c--",
            "--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1\r\n--b--",
            "--a\r\nContent-Type: application/pdf\r\n\r\n%PDF-2\r\n--a--",
        ]
    )
    mail = read(raw(f"{FROM}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a", body))
    assert mail.own == "Hello"
    assert [(f.name, f.data) for f in mail.files] == [
        ("a.pdf", b"%PDF-1"),
        ("attachment-2.pdf", b"%PDF-2"),
    ]


def test_a_forwarded_mail_is_a_file() -> None:
    made = Letter(text="See below").message()
    made.add_attachment(Letter(subject="Your receipt").message())
    mail = read(made.as_bytes())
    assert [(f.name, f.content_type) for f in mail.files] == [
        ("Your receipt.eml", "message/rfc822")
    ]
    assert b"charged twice" in mail.files[0].data


def test_winmail_is_named_and_left_out() -> None:
    tnef = ("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22")
    mail = Letter(files=(tnef,)).read()
    assert mail.files == ()
    assert mail.remarks == (inbox_parts.WINMAIL,)


def test_an_encrypted_mail_says_that_nobody_reads_it() -> None:
    mail = read(raw(f"{FROM}Content-Type: application/pkcs7-mime; name=smime.p7m", b"x"))
    assert mail.remarks == (inbox_parts.ENCRYPTED,)
    assert mail.files == ()


def test_signatures_and_letterheads_are_no_files() -> None:
    made = Letter(files=(("smime.p7s", "application/pkcs7-signature", b"x"),)).message()
    made.add_attachment(b"logo", maintype="image", subtype="png", cid="<logo>", filename="l.png")
    made.add_attachment(b"s" * 20_000, maintype="image", subtype="png", cid="<shot>")
    mail = read(made.as_bytes())
    assert [file.name for file in mail.files] == ["attachment-1.png"]
    assert mail.remarks == (inbox_parts.DECORATION,)


@pytest.mark.req("V5.3.2")
@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.pdf",
        "a\x00.pdf",
        "evil\u202efdp.exe",
        "x" * 300 + ".pdf",
        'a"b.pdf',
        "é.pdf",
    ],
)
def test_names_of_files_are_only_names(name: str) -> None:
    head = f"{FROM}Content-Type: application/pdf; name*=utf-8''" + "".join(
        f"%{byte:02X}" for byte in name.encode()
    )
    [file] = read(raw(head, b"%PDF-")).files
    assert 0 < len(file.name) <= 120
    assert not set("/\\\x00\u202e\r\n") & set(file.name)


@pytest.mark.parametrize(
    "body",
    [
        "--b\r\nContent-Type: text/plain\r\n\r\nNo end",
        "no boundary at all",
        "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--",
        "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-none\r\n\r\nHi\r\n--b--",
        "--b\r\nContent-Type: ;;;\r\n\r\nHi\r\n--b--",
        "--b\r\nContent-Type: text/plain; charset*=''\r\n\r\nHi\r\n--b--",
        "--b\r\nContent-Disposition: attachment; filename*0*=x''%\r\n\r\nHi\r\n--b--",
        "--b\r\nContent-Type: message/rfc822\r\n\r\n--b--",
        "--b--",
        "",
    ],
)
def test_broken_parts_still_leave_a_mail(body: str) -> None:
    mail = read(raw(f"{FROM}MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b", body))
    assert mail.sender == PRIYA


@pytest.mark.parametrize("content", [b"", b"\r\n\r\n", b"\x00" * 50, b"\xff" * 50, b"no header"])
def test_what_is_hardly_a_mail_is_nobodys(content: bytes) -> None:
    mail = read(content)
    assert (mail.sender, mail.dmarc) == ("", Dmarc.NONE)


# --- Mails that are built to break a reader ----------------------------------------------------


def nested(depth: int) -> bytes:
    head = f"{FROM}Content-Type: multipart/mixed; boundary=x0\r\n\r\n"
    inside = "".join(
        f"--x{level}\r\nContent-Type: multipart/mixed; boundary=x{level + 1}\r\n\r\n"
        for level in range(depth)
    )
    return f"{head}{inside}--x{depth}\r\n\r\nHi\r\n".encode()


@pytest.mark.parametrize(
    "content",
    [
        nested(30),
        nested(190),
        nested(5000),
        raw(f"{FROM}Content-Type: multipart/mixed; boundary=b", "--b\r\n\r\nx\r\n" * 300),
        raw(FROM, b"x\r\n" * 1_100_000),
        raw(f"{FROM}X: {'x' * 300_000}"),
        raw(f"{FROM}" + "Received: from a by b\n" * 60),
        raw(f"{FROM}X: {'boundary=b ' * 150}", b"x\r\n" * 200_000),
    ],
    ids=["30 deep", "190 deep", "5000 deep", "many parts", "many lines", "long", "loop", "looks"],
)
def test_what_can_never_be_read_is_refused_in_a_sentence(content: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(content)
    assert str(refusal.value).endswith(".")


def test_a_large_mail_is_read_in_seconds() -> None:
    large = Letter(files=(("a.pdf", "application/pdf", b"%PDF-" + b"x" * 9_000_000),)).raw()
    began = time.perf_counter()
    assert len(read(large).files[0].data) == 9_000_005
    assert time.perf_counter() - began < 10


def test_a_long_text_is_cut_on_the_page_and_kept_whole_as_a_file() -> None:
    mail = Letter(text="All that happened. " * 2000).read()
    assert len(mail.own) < 20_010
    assert mail.own.endswith("…")
    [file] = mail.files
    assert file.name == "email.txt"
    assert file.data.decode().strip() == ("All that happened. " * 2000).strip()


# --- Two readers, one mail ---------------------------------------------------------------------


@pytest.mark.req("B14")
@pytest.mark.parametrize(
    "head",
    [
        f"From: {PRIYA}\nFrom: {letters.EVE}",
        f"From: {letters.EVE}\nfrom: {PRIYA}",
        f"From : {letters.EVE}\nFrom: {PRIYA}",
        f"X-A: b\rFrom: {PRIYA}\nFrom: {letters.EVE}",
        f"X-A: b\rFrom: {PRIYA}\r\r\nFrom: {letters.EVE}",
        f"From: {PRIYA}\nX-A: b\x00",
        f"From: {PRIYA}, {letters.EVE}",
        "Subject: nobody",
    ],
)
def test_a_header_that_reads_in_two_ways_names_nobody(head: str) -> None:
    verdict = letters.verdict("pass", PRIYA)
    mail = read(raw(f"Authentication-Results: {verdict}\n{head}"))
    assert (mail.sender, mail.dmarc) == ("", Dmarc.NONE)


# --- Programs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "origin"),
    [
        ("Auto-Submitted: auto-replied", Origin.MACHINE),
        ("Auto-Submitted: auto-generated (rule)", Origin.MACHINE),
        ("Auto-Submitted: no", Origin.PERSON),
        ("Precedence: bulk", Origin.MACHINE),
        ("Precedence: auto_reply", Origin.MACHINE),
        ("Precedence: first-class", Origin.PERSON),
        ("X-Autoreply: yes", Origin.MACHINE),
        ("List-Id: <list.example>", Origin.MACHINE),
        ("X-Loop: support@northwind.example", Origin.MACHINE),
        ("Return-Path: <>", Origin.MACHINE),
        ("X-Auto-Response-Suppress: All", Origin.UNSURE),
        ("List-Unsubscribe: <https://x.example>", Origin.UNSURE),
        ("X-Other: x", Origin.PERSON),
    ],
)
def test_programs_are_known_by_their_headers(header: str, origin: Origin) -> None:
    assert read(raw(f"{FROM}{header}")).origin is origin


@pytest.mark.parametrize("sender", ["", "<>"])
def test_a_mail_without_an_envelope_sender_is_a_programs(sender: str) -> None:
    assert read(raw(FROM), envelope_from=sender).origin is Origin.MACHINE


def test_a_delivery_report_names_the_mail_that_failed() -> None:
    mail = read(letters.bounce("<abc@northwind.example>"), "<>")
    assert mail.origin is Origin.BOUNCE
    assert mail.bounce is not None
    assert mail.bounce.mails == ("<abc@northwind.example>",)
    assert mail.bounce.recipient == PRIYA
    assert mail.bounce.reason == "smtp; 550 5.1.1 user unknown"


def test_a_report_of_a_delay_is_no_failure() -> None:
    mail = read(letters.bounce("<abc@northwind.example>", action="delayed"), "<>")
    assert (mail.origin, mail.bounce) == (Origin.MACHINE, None)


def test_a_report_as_exim_writes_it_is_understood() -> None:
    head = "From: Mail Delivery System <mailer-daemon@x.example>\nX-Failed-Recipients: a@b.example"
    text = "It failed.\r\n\r\nMessage-ID: <abc@northwind.example>\r\nSubject: x"
    mail = read(raw(head, text), "<>")
    assert mail.bounce is not None
    assert mail.bounce.mails == ("<abc@northwind.example>",)
    assert mail.bounce.recipient == "a@b.example"


def test_a_mail_without_an_id_has_the_same_one_each_time() -> None:
    content = raw(f"From: {PRIYA}\nSubject: a", "Hello")
    assert read(content).message_id == read(content).message_id
    assert read(content).message_id != read(content + b"!").message_id
