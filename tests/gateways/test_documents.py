"""Documents: the PDF and its HTML twin say the facts, and nothing a customer writes is markup."""

import dataclasses
import html
import io
import re
import time
from datetime import UTC, datetime
from typing import Any, cast

import jinja2
import pypdf
import pytest
import typst

from amends import settings
from amends.gateways import document_data, document_samples, document_view, documents
from amends.gateways.customer_facts import Card
from amends.gateways.document_data import Paper, RefundState
from amends.rules import money

PROOF = cast(document_data.ProofOfRefund, document_samples.sample("proof_of_refund"))


def words(pdf: bytes) -> str:
    """All text of the PDF with single blanks."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def twin(document: document_data.Document) -> str:
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(settings.project_root() / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    template = pages.get_template(f"documents/{document.kind}.html")
    return template.render(doc=document_view.view(document))


def twin_words(document: document_data.Document) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", twin(document))).split())


def for_customer(name: str, **changes: object) -> document_data.ProofOfRefund:
    head = dataclasses.replace(document_samples.HEAD, customer=name, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(PROOF, head=head)


FACTS = {
    "proof_of_refund": [
        "Proof of refund",
        "Harborlight Scanners refunded $2,000.00 to the cards below.",
        "Priya Raman",
        "Harbor Fitness LLC",
        "SO-10482",
        "RB-2417",
        "December 1, 2026, 15:02 UTC",
        "American Express ending 1005",
        "$1,200.00",
        "re_3SWq9tLkdIwHu7ix1005",
        "Tue, Nov 24, 2026",
        "between Wed, Dec 2 and Wed, Dec 9, 2026",
        "74850126329001",
        "Visa debit ending 4242",
        "not yet reported by the bank",
        "Mastercard ending 5454",
        "Record: RB-2417 #14 head=9f2c4be1",
        "5–10 business days",
        "We have no phone line",
    ],
    "receipt": [
        "Payment receipt",
        "charged $2,000.00 to Mastercard ending 5454 on Tue, Dec 1, 2026.",
        "Order SO-10482, body scanner",
        "Total refunded",
        "Difference $0.00",
        "Record: RB-2417 #14 head=",
    ],
    "cancellation_confirmation": [
        "Confirmation of your cancellation",
        "Harborlight Scanners canceled your order after its audit.",
        "The subscription ended on Tue, Dec 1, 2026 and does not renew.",
        "Order SO-10482, body scanner",
        "Tue, Sep 1, 2026 to Tue, Nov 24, 2026",
        "Ivy Lindqvist",
        "Total refunded",
        "$2,000.00",
    ],
    "request_summary": [
        "Your request",
        "Refund $2,000.00 and charge another card",
        "November 20, 2026, 21:40 UTC",
        "Last 4 digits of the card charged",
        "The unit is late, and we closed the card since.",
        "order confirmation.pdf",
        "80 kB",
        "We check the charge and write to you by Mon, Nov 23.",
        "Record: RB-2417 #14 head=",
    ],
    "evidence_pack": [
        "Evidence",
        "$1,650.00",
        "du_3SWq9tLkdIwHu7ix",
        "product not received",
        "9047",
        "handed over on August 25",
        "until the unit is handed over",
        "five weeks late",
        "Payment receipt",
    ],
}


@pytest.mark.parametrize("kind", document_samples.NAMES)
async def test_the_pdf_and_its_twin_hold_the_facts(kind: str) -> None:
    sample = document_samples.sample(kind)
    printed, shown = words(await documents.render(sample)), twin_words(sample)
    for fact in FACTS[kind]:
        assert fact in printed
        assert fact in shown


@pytest.mark.parametrize("kind", document_samples.NAMES)
async def test_the_pdf_is_tagged_titled_and_in_a_language(kind: str) -> None:
    reader = pypdf.PdfReader(io.BytesIO(await documents.render(document_samples.sample(kind))))
    root = cast(dict[str, Any], reader.trailer["/Root"])
    assert root["/MarkInfo"]["/Marked"].value
    assert root["/StructTreeRoot"]["/K"]
    assert root["/Lang"] == "en-US"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value
    assert b"<pdfuaid:part>1" in root["/Metadata"].get_data()
    title = document_view.view(document_samples.sample(kind)).title
    assert reader.metadata and reader.metadata.title == f"{title} RB-2417"
    assert len(reader.pages) == 1


async def test_the_same_facts_make_the_same_bytes() -> None:
    first, second = await documents.render(PROOF), await documents.render(PROOF)
    assert first == second
    later = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)
    head = dataclasses.replace(PROOF.head, issued_at=later)
    assert await documents.render(dataclasses.replace(PROOF, head=head)) != first


@pytest.mark.parametrize("kind", document_samples.NAMES)
async def test_a_document_made_again_from_its_row_is_the_same(kind: str) -> None:
    sample = document_samples.sample(kind)
    again = document_data.unpack(kind, document_data.pack(sample))
    assert again == sample
    assert await documents.render(again) == await documents.render(sample)


async def test_it_takes_well_under_a_second() -> None:
    await documents.render(PROOF)  # reads the fonts
    started = time.process_time()  # not the wall: the machine may be busy
    for minute in range(5):
        issued = datetime(2026, 12, 1, 15, minute, tzinfo=UTC)
        await documents.render(for_customer("Priya Raman", issued_at=issued))
    assert (time.process_time() - started) / 5 < 0.5


INJECTIONS = [
    '#panic("x")',
    "#read(\"/etc/passwd\")",
    "*bold* _emph_ = head $1^2$ `raw` <label> @ref ~ -- --- ...",
    '"; } ] ) \\ \\n \\u{41} #{1+1}',
    "<script>alert(1)</script> & {{ 7*7 }} {% raw %}",
    "//comment /* and */ https://evil.example",
    "'single' \"double\"",
    "- list\n+ enum\n/ term: x",
]  # fmt: skip


@pytest.mark.req("T41", "V1.3.7")
@pytest.mark.parametrize("evil", INJECTIONS)
async def test_what_a_customer_writes_is_printed_as_it_stands(evil: str) -> None:
    proof = for_customer(evil, organisation=evil)
    flat = " ".join(evil.split())
    # Lines are broken where the sheet wants; compared without blanks.
    assert flat.replace(" ", "") in words(await documents.render(proof)).replace(" ", "")
    assert html.escape(flat, quote=True).replace("&#x27;", "&#39;").replace(
        "&quot;", "&#34;"
    ) in twin(proof)


NAMES = [
    "Łukasz Żółć",
    "Ñandú Über Æsir",
    "Ιωάννης Παπαδόπουλος",
    "Юлия Щербакова",
    "Đặng Thị Hồng",
]


@pytest.mark.parametrize("name", NAMES)
async def test_names_of_europe_and_vietnam_are_printed(name: str) -> None:
    assert name in words(await documents.render(for_customer(name)))


def test_the_typesetters_own_fonts_print_them_on_any_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_fonts_only(monkeypatch)
    pdf = documents.render_view(document_view.view(for_customer(", ".join(NAMES[:4]))))
    assert NAMES[0] in words(pdf)
    assert "[U+" not in words(pdf)


def own_fonts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = typst.Fonts(include_system_fonts=False)
    monkeypatch.setattr(documents, "_fonts", lambda: bare)


def test_signs_that_no_font_has_are_named_instead_of_boxed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own_fonts_only(monkeypatch)
    pdf = documents.render_view(document_view.view(for_customer("株式会社 Łódź 👍🏽", order="株")))
    text = words(pdf).replace("] [", "][")
    assert "[U+682A][U+5F0F][U+4F1A][U+793E] Łódź [U+1F44D]" in text
    assert "stands for a letter that could not be printed" in text


def test_what_typst_cannot_set_is_one_exception() -> None:
    view = dataclasses.replace(document_view.view(PROOF), paper=cast(Paper, "papyrus"))
    with pytest.raises(documents.NotRendered, match="typst"):
        documents.render_view(view)


async def test_paper_follows_the_country() -> None:
    assert Paper.of("us") is Paper.LETTER
    assert Paper.of("DE") is Paper.A4
    for paper, height in ((Paper.LETTER, 792), (Paper.A4, 842)):
        pdf = await documents.render(for_customer("Priya Raman", paper=paper))
        assert round(pypdf.PdfReader(io.BytesIO(pdf)).pages[0].mediabox.height) == height


def refund(state: RefundState, **changes: object) -> document_data.RefundLine:
    return dataclasses.replace(PROOF.refunds[0], state=state, **changes)  # type: ignore[arg-type]


async def test_only_money_that_left_counts_as_refunded() -> None:
    waiting = refund(RefundState.WAITING, sent_on=None, window=None, trace_number="")
    lines = (refund(RefundState.SENT), waiting, refund(RefundState.RETURNED))
    text = words(await documents.render(dataclasses.replace(PROOF, refunds=lines, charge=None)))
    assert "refunded $1,200.00 to the cards" in text
    assert "Waiting for our payment provider" in text
    assert "Sent back by the bank" in text
    assert "new card" not in text


async def test_a_reversal_promises_no_credit_and_no_number() -> None:
    gone = refund(RefundState.REVERSED, trace_number="")
    text = words(await documents.render(dataclasses.replace(PROOF, refunds=(gone,), charge=None)))
    assert "it disappears from the statement" in text
    assert "On the statement" not in text
    assert "not yet reported" not in text
    assert "to the card below" in text


async def test_a_long_document_runs_over_pages_and_repeats_its_head() -> None:
    many = tuple(
        dataclasses.replace(PROOF.refunds[0], card=Card("visa", f"{n:04}")) for n in range(12)
    )
    pdf = await documents.render(dataclasses.replace(PROOF, refunds=many))
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    assert len(pages) >= 3
    assert all("Amount" in page.extract_text() for page in pages[:2])
    assert f"Page 1 of {len(pages)}" in words(pdf)


async def test_other_currencies_keep_their_decimals() -> None:
    yen = dataclasses.replace(PROOF.refunds[0], amount=money.Money(120_000, "jpy"))
    text = words(await documents.render(dataclasses.replace(PROOF, refunds=(yen,), charge=None)))
    assert "¥120,000" in text


@pytest.mark.parametrize("name", ["Hyperlongorganizationname" * 8, "W" * 60, "0" * 200])
async def test_a_word_too_long_for_its_column_is_broken_but_copied_whole(name: str) -> None:
    text = words(await documents.render(for_customer(name, organisation=name)))
    assert name not in text
    assert name in text.replace(" ", "")


async def test_ordinary_ids_and_addresses_are_never_broken() -> None:
    text = words(await documents.render(PROOF))
    for whole in ("re_3SWq9tLkdIwHu7ix1005", "billing@harborlight.example", "9f2c4be1" * 8):
        assert whole in text


def test_every_kind_has_its_two_templates_and_its_sample() -> None:
    folder = settings.project_root() / "templates" / "documents"
    for ending in ("typ", "html"):
        files = {p.stem for p in folder.glob(f"*.{ending}") if not p.name.startswith("_")}
        assert files == set(document_data.KINDS) == set(document_samples.NAMES)
