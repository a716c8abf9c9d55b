"""What the mails say: the same in text and HTML, nothing internal, everything dated."""

import dataclasses
import re
from datetime import date
from html.parser import HTMLParser
from typing import cast

import jinja2
import pytest

from amends import settings
from amends.gateways import mail_contexts, mail_pages, mail_samples
from amends.gateways.customer_facts import Card
from amends.rules import business_days, money, promises, workflow

CALENDAR = business_days.Calendar("US")
# The process behind the scenes is not the customer's; UX.md lists the words.
INTERNAL = re.compile(
    r"\blimit\b|fraud|escalat|\blead\b|\$500|security|goodwill|tier|threshold|\bagent\b|chargeback"
    r"|\b(?:ch|pi|pm|cus|seti|sub|in)_[A-Za-z0-9]|successful|please|!",
    re.IGNORECASE,
)


# The one place where the bank's own word is explained.
EXPLAINED = "It calls this a dispute, or a chargeback."


def rendered(name: str) -> mail_pages.Texts:
    return mail_pages.render(mail_samples.sample(name))


def with_(name: str, **changes: object) -> mail_pages.Texts:
    sample = dataclasses.replace(mail_samples.sample(name), **changes)  # type: ignore[arg-type]
    return mail_pages.render(sample)


class Reader(HTMLParser):
    """Reads a mail's HTML as a person would: blocks as lines, a link as its words and address."""

    BLOCKS = frozenset({"p", "h1", "h2", "li", "tr", "div", "table", "td"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0
        self._href = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self._href = dict(attrs)["href"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}
        if tag == "a":
            self.words.append(f": {self._href} ")
        self.words.append(" " if tag in self.BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.words += [] if self._hidden else [data]


def read(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    return "".join(reader.words).replace(" :", ":").split()


@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_plain_text_and_html_say_the_same(name: str) -> None:
    texts = rendered(name)
    assert read(texts.html) == texts.text.split()


@pytest.mark.req("V15.3.1")
@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_no_internal_word_reaches_a_customer(name: str) -> None:
    texts = rendered(name)
    for text in (texts.subject, texts.text, " ".join(read(texts.html))):
        assert not INTERNAL.findall(text.replace(EXPLAINED, ""))


@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_every_mail_says_what_to_do_and_that_there_is_no_phone_line(name: str) -> None:
    texts = rendered(name)
    assert "What you have to do\n" in texts.text
    assert "We have no phone line. Everything is in writing" in texts.text
    assert "{" not in texts.text + texts.subject
    assert "\n" not in texts.subject


CASE_MAILS = [
    n for n in mail_samples.NAMES if isinstance(mail_samples.sample(n), mail_contexts.CaseMail)
]


@pytest.mark.parametrize("name", CASE_MAILS)
def test_every_mail_about_a_case_names_it_greets_and_leads_to_its_page(name: str) -> None:
    texts = rendered(name)
    assert texts.subject.startswith("RB-2417: ")
    assert "Request RB-2417, order SO-10482" in texts.text
    assert "Hello Priya Raman," in texts.text
    assert "https://billing.harborlight.example/requests/RB-2417" in texts.text


def test_every_mail_has_its_folder_class_and_sample() -> None:
    folder = settings.project_root() / "templates" / "mail"
    folders = {path.name for path in folder.iterdir() if path.is_dir()}
    assert folders == set(mail_contexts.KINDS) == set(mail_samples.NAMES)
    for name in folders:
        assert {p.name for p in (folder / name).iterdir()} == {
            "subject.txt",
            "body.txt",
            "body.html",
        }
        assert mail_samples.sample(name).kind == name


@pytest.mark.parametrize("name", mail_samples.NAMES)
def test_a_mail_survives_the_row_that_waits_to_be_sent(name: str) -> None:
    sample = mail_samples.sample(name)
    again = mail_contexts.unpack(name, mail_contexts.pack(sample))
    assert again == sample
    assert mail_pages.render(again) == mail_pages.render(sample)


# --- What single mails say -----------------------------------------------------------------------


@pytest.mark.req("T04")
def test_the_code_is_shown_in_two_groups_with_its_end_and_no_link() -> None:
    texts = rendered("sign_in_code")
    assert "4820 3917" in texts.text
    assert "for 10 minutes, until 10:12 am EST on Tue, Nov 24, 2026" in texts.text
    assert "We never ask for this code" in texts.text
    assert "http" not in texts.text
    assert "<a " not in texts.html
    assert "4820" not in texts.subject


def test_a_sent_refund_has_amount_id_and_dates_per_deposit() -> None:
    text = rendered("refund_sent").text
    assert "American Express ending 1005\nAmount: $1,200.00\nRefund ID: re_3SWq9t" in text
    assert "On your statement: between Wed, Dec 2 and Wed, Dec 9" in text
    assert "Bank trace number: We email it once the bank reports it" in text
    assert "Thanksgiving (Nov 26) and weekends do not count" in text


def test_a_refund_that_is_not_sent_yet_has_no_dates() -> None:
    visa = mail_contexts.PlannedMove(Card("visa", "4242", "debit"), money.Money(80_000, "usd"))
    one = cast(mail_contexts.RefundSent, mail_samples.sample("refund_sent")).sent[:1]
    texts = with_("refund_sent", sent=one, not_sent_yet=(visa,))
    assert "Your refund of $1,200.00 is on its way" in texts.subject
    assert "Not sent yet\nVisa debit ending 4242: $800.00\n\nWe email you" in texts.text
    assert texts.text.count("Dec 2") == 1
    assert read(texts.html) == texts.text.split()


def test_a_reversal_is_said_to_vanish_and_has_no_trace_number() -> None:
    one = cast(mail_contexts.RefundSent, mail_samples.sample("refund_sent")).sent[0]
    gone = dataclasses.replace(one, arrival=mail_contexts.Arrival.REVERSAL)
    texts = with_("refund_sent", sent=(gone,))
    assert "so it disappears instead of a credit" in texts.text
    assert "trace number" not in texts.text
    assert read(texts.html) == texts.text.split()


def test_an_approved_cancellation_names_audit_end_contact_and_refund_dates() -> None:
    audit = promises.audit_window(date(2026, 11, 24), CALENDAR)
    texts = with_(
        "approved",
        charge=None,
        audit=audit,
        subscription_ends=date(2026, 12, 31),
        contact="Ivy Lindqvist",
    )
    assert "about 60 business days" in texts.text
    assert "between Tue, Mar 2 and Tue, Mar 9, 2027" in texts.text
    assert "Your subscription ends on Thu, Dec 31." in texts.text
    assert "Ivy Lindqvist is your contact" in texts.text
    assert "new card" not in texts.text.replace("to your new card.", "")
    assert read(texts.html) == texts.text.split()


def test_an_approved_second_card_refunds_nothing_again() -> None:
    texts = with_("approved", refunds=())
    assert "We refund" not in texts.text
    assert "Your refunds are confirmed already." in texts.text
    assert read(texts.html) == texts.text.split()


def test_an_approved_credit_is_named() -> None:
    texts = with_("approved", refunds=(), charge=None, credit=money.Money(5_000, "usd"))
    assert "We add a credit of $50.00 to your account." in texts.text
    assert read(texts.html) == texts.text.split()


@pytest.mark.parametrize("asks", list(workflow.Kind))
def test_a_received_request_says_what_comes_next(asks: workflow.Kind) -> None:
    texts = with_("request_received", asks=asks)
    assert "by Wed, Nov 25." in texts.text
    assert ("Your bank decides this now" in texts.text) is (asks is workflow.Kind.CHARGEBACK)
    assert ("Then a manager decides" in texts.text) is (asks is not workflow.Kind.CHARGEBACK)
    assert read(texts.html) == texts.text.split()


@pytest.mark.req("A4")
def test_a_dispute_that_the_bank_began_says_what_follows_and_what_to_send() -> None:
    texts = rendered("bank_dispute")
    assert texts.subject == "RB-2417: Your bank disputes the charge of $1,200.00"
    assert "by Wed, Dec 2 at the latest" in texts.text
    assert "the money would go back twice" in texts.text
    asked = with_("bank_dispute", step=mail_contexts.BankStep.QUESTION, papers_by=None)
    assert "asks about" in asked.subject and "has not taken the money back" in asked.text
    assert "at the latest" not in asked.text
    assert read(asked.html) == asked.text.split()


def test_a_received_cancellation_shows_its_long_dates() -> None:
    audit = promises.audit_window(date(2026, 11, 24), CALENDAR)
    texts = with_("request_received", asks=workflow.Kind.CANCELLATION, audit=audit, new_card=None)
    assert "about three months" in texts.text
    assert read(texts.html) == texts.text.split()


def test_a_mail_may_carry_the_head_of_the_record() -> None:
    head = dataclasses.replace(mail_samples.CASE, record=f"#14 head={'9f2c4be1' * 8}")
    texts = with_("approved", case=head)
    assert texts.text.endswith(f"\nRecord: RB-2417 #14 head={'9f2c4be1' * 8}\n")
    assert read(texts.html) == texts.text.split()


def test_done_without_a_new_card_has_the_proof_only() -> None:
    texts = with_("done", charge=None, charged_on=None)
    assert "Your proof of refund is attached" in texts.text
    assert "receipt" not in texts.text + texts.subject
    assert read(texts.html) == texts.text.split()


def test_done_by_credit_attaches_nothing() -> None:
    credit = money.Money(5_000, "usd")
    texts = with_("done", sent=(), charge=None, charged_on=None, credit=credit)
    assert "attach" not in texts.text
    assert "We added a credit of $50.00" in texts.text
    assert read(texts.html) == texts.text.split()


# --- Text from outside ---------------------------------------------------------------------------

EVIL = "Priya <script>alert(1)</script> {{ 7*7 }} & \r\nBcc: x@y.example\u202e\x00"


@pytest.mark.req("T41", "V1.3.5", "V1.2.1")
def test_text_from_outside_stays_text() -> None:
    head = dataclasses.replace(mail_samples.CASE, greeting=EVIL)
    texts = with_("withdrawn", case=head)
    assert "<script" not in texts.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7*7 }} &amp; Bcc: x@y.example," in texts.html
    assert "Hello Priya <script>alert(1)</script> {{ 7*7 }} & Bcc: x@y.example," in texts.text


def test_a_message_keeps_its_paragraphs_and_nothing_else() -> None:
    texts = with_("message_from_us", body="One.\r\n\r\n\r\n\r\nTwo\u2066.\n<b>Three</b>")
    assert "One.\n\nTwo.\n<b>Three</b>" in texts.text
    assert "<b>" not in texts.html


def test_a_misspelt_name_in_a_template_is_an_error() -> None:
    broken = dataclasses.make_dataclass(
        "Broken", [], bases=(mail_contexts.Mail,), frozen=True, namespace={"kind": "withdrawn"}
    )
    with pytest.raises(jinja2.UndefinedError):
        mail_pages.render(broken(mail_samples.COMPANY, mail_samples.TODAY))
