"""Card numbers inside PDFs: typed, spaced, split, in notes and titles; refused without echo."""

import io

import pypdf
import pytest
import typst
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from amends.gateways import document_samples, documents, upload_pdf_text, uploads
from tests.gateways import upload_corpus as corpus

pytestmark = pytest.mark.req("T53", "V14.2.4")
NUMBER = "4242424242424242"
FORMS = [
    NUMBER,
    "4242 4242 4242 4242",
    "4242-4242-4242-4242",
    "card: 4242 4242\n\n4242 4242",
    "**4242**4242 4242 4242",
]


def _pdf(text: str, pages: int = 1) -> bytes:
    source = "#pagebreak()\n".join([text + "\n"] * pages)
    return typst.compile(source.encode(), format="pdf")


def _refused(data: bytes) -> uploads.Rejected:
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check("statement.pdf", "application/pdf", data)
    assert "4242" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("shown", FORMS)
def test_a_pdf_that_shows_a_card_number_is_refused_without_echo(shown: str) -> None:
    assert _refused(_pdf(f"Statement of November. {shown} Thank you.")).code == "card_number"


def _full_width(number: str) -> bytes:
    """A page whose font says that its digits are full-width ones; no font of the machine is asked.

    The glyphs are Helvetica's; a reader takes the text from the map to Unicode (PDF 32000, 9.10.3).
    """
    shown = "".join(f"<{ord(digit):02x}> <{ord(digit) + 0xFEE0:04x}>\n" for digit in "0123456789")
    text = (
        "/CIDInit /ProcSet findresource begin begincmap /CMapName /W def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"10 beginbfchar\n{shown}endbfchar endcmap end"
    )
    made = pypdf.PdfWriter()
    page = made.add_blank_page(300, 300)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/ToUnicode"): made._add_object(_stream(text)),
        }
    )
    fonts = DictionaryObject({NameObject("/F"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = made._add_object(
        _stream(f"BT /F 12 Tf 9 99 Td ({number}) Tj ET")
    )
    out = io.BytesIO()
    made.write(out)
    return out.getvalue()


def _stream(text: str) -> DecodedStreamObject:
    made = DecodedStreamObject()
    made.set_data(text.encode())
    return made


def test_full_width_digits_are_found() -> None:
    page = _full_width("3782 8224631 0005")
    shown = pypdf.PdfReader(io.BytesIO(page)).pages[0].extract_text()
    assert "３７８２ ８２２４６３１ ０００５" in shown
    assert _refused(page).code == "card_number"


def test_a_number_on_the_last_page_is_found() -> None:
    whole = pypdf.PdfWriter(clone_from=io.BytesIO(_pdf("Nothing here.", 5)))
    whole.append(io.BytesIO(_pdf(NUMBER)))
    out = io.BytesIO()
    whole.write(out)
    assert _refused(out.getvalue()).code == "card_number"


def test_a_number_in_a_note_or_the_title_is_found() -> None:
    for change in (_with_note, _with_title):
        writer = pypdf.PdfWriter(clone_from=io.BytesIO(_pdf("Nothing here.")))
        change(writer)
        out = io.BytesIO()
        writer.write(out)
        assert _refused(out.getvalue()).code == "card_number"


def _with_note(writer: pypdf.PdfWriter) -> None:
    writer.add_annotation(0, FreeText(text=f"mine: {NUMBER}", rect=(50, 550, 200, 650)))


def _with_title(writer: pypdf.PdfWriter) -> None:
    writer.add_metadata({"/Title": f"Card {NUMBER}"})


def test_last_four_ids_and_masked_numbers_raise_no_alarm() -> None:
    text = (
        "Card ending 4242, order SO-10482, case RB-2401, ch\\_3QxYz0123456789, ARN 74850126329001"
    )
    kept = uploads.check("proof.pdf", "application/pdf", _pdf(text))
    assert kept.state == "clean"


def test_what_nobody_can_read_is_taken_and_what_is_too_long_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload_pdf_text.check("odd.pdf", corpus.pdf()[:200] + b"\n%%EOF")
    monkeypatch.setattr(upload_pdf_text, "MAX_PAGES", 3)
    with pytest.raises(uploads.Rejected, match="too long"):
        upload_pdf_text.check("long.pdf", _pdf("Words.", 4))


@pytest.mark.parametrize("kind", document_samples.NAMES)
async def test_our_own_documents_raise_no_alarm(kind: str) -> None:
    upload_pdf_text.check("ours.pdf", await documents.render(document_samples.sample(kind)))
