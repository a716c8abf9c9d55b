"""What customers may add to a request: a corpus of files and the verdict on each."""

import hashlib
import io
import re
import time
import zlib

import pytest
from PIL import Image

from amends.gateways import upload_names, upload_pictures, uploads
from amends.gateways.uploads import Code
from tests.gateways import upload_corpus as corpus

TEXT = b"The unit arrived on Nov 20, three weeks late.\n"
GIF = corpus.other_picture("GIF")
MB = 1024 * 1024

TAKEN: list[tuple[str, str, bytes, str]] = [
    ("letter.pdf", "application/pdf", corpus.pdf(), "application/pdf"),
    ("LETTER.PDF", "", corpus.pdf(), "application/pdf"),
    ("a.b.c.pdf", "application/octet-stream", corpus.pdf(), "application/pdf"),
    ("packed.pdf", "", corpus.pdf_packing(b"1 0 <</A /B>>"), "application/pdf"),
    ("open.pdf", "", corpus.pdf_saying(b"/OpenAction [3 0 R /Fit]"), "application/pdf"),
    ("receipt.png", "image/png", corpus.png(), "image/png"),
    ("clear.png", "image/png", corpus.png("RGBA"), "image/png"),
    ("grey.png", "image/png", corpus.png("L"), "image/png"),
    ("palette.png", "image/png", corpus.png("P"), "image/png"),
    ("sixteen.png", "image/png", corpus.png("I;16"), "image/png"),
    ("photo.jpg", "image/jpeg", corpus.jpeg(), "image/jpeg"),
    ("photo.JPEG", "image/pjpeg", corpus.jpeg(), "image/jpeg"),
    ("print.jpg", "image/jpeg", corpus.jpeg("CMYK"), "image/jpeg"),
    ("comment.jpg", "image/jpeg", corpus.jpeg(comment=corpus.HTML), "image/jpeg"),
    ("notes.txt", "text/plain", TEXT, "text/plain"),
    ("ansi.txt", "text/plain", "café 5€".encode("cp1252"), "text/plain"),
    ("utf16.txt", "text/plain", "żółć".encode("utf-16"), "text/plain"),
    ("bom.txt", "text/plain", b"\xef\xbb\xbfhello", "text/plain"),
    ("less.txt", "text/plain", b"5 < 7 and a <b@c.example>", "text/plain"),
    ("mail.eml", "message/rfc822", corpus.letter().as_bytes(), "message/rfc822"),
    ("mail2.eml", "", corpus.letter_with("p.pdf", corpus.pdf()), "message/rfc822"),
    ("mail3.eml", "", corpus.letter_with("logo.gif", GIF), "message/rfc822"),
    ("株式会社.pdf", "application/pdf", corpus.pdf(), "application/pdf"),
]  # fmt: skip

DOCX = corpus.zipped(word__document=b"<w/>", word__vbaProject=b"macro")
REFUSED: list[tuple[str, str, bytes, Code]] = [
    ("empty.pdf", "application/pdf", b"", Code.EMPTY),
    ("blank.txt", "text/plain", b" \r\n\t ", Code.EMPTY),
    ("big.pdf", "application/pdf", b"%PDF-" + b"x" * (10 * MB), Code.TOO_BIG),
    ("noextension", "application/pdf", corpus.pdf(), Code.WRONG_TYPE),
    (".pdf", "application/pdf", corpus.pdf(), Code.WRONG_TYPE),
    ("tool.exe", "application/x-msdownload", b"MZ\x90\x00", Code.WRONG_TYPE),
    ("invoice.pdf.exe", "application/pdf", b"MZ\x90\x00", Code.WRONG_TYPE),
    ("invoice\u202efdp.exe", "application/pdf", corpus.pdf(), Code.WRONG_TYPE),
    ("drawing.svg", "image/svg+xml", corpus.SVG, Code.WRONG_TYPE),
    ("page.html", "text/html", corpus.HTML, Code.WRONG_TYPE),
    ("page.xhtml", "application/xhtml+xml", corpus.HTML, Code.WRONG_TYPE),
    ("run.js", "text/javascript", b"alert(1)", Code.WRONG_TYPE),
    ("files.zip", "application/zip", corpus.zipped(a=b"x"), Code.WRONG_TYPE),
    ("letter.docm", "application/octet-stream", DOCX, Code.WRONG_TYPE),
    ("letter.docx", "application/octet-stream", DOCX, Code.WRONG_TYPE),
    ("old.doc", "application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Code.WRONG_TYPE),
    ("moving.gif", "image/gif", corpus.other_picture("GIF"), Code.WRONG_TYPE),
    ("photo.webp", "image/webp", corpus.other_picture("WEBP"), Code.WRONG_TYPE),
    ("scan.tiff", "image/tiff", corpus.other_picture("TIFF"), Code.WRONG_TYPE),
    ("film.mp4", "video/mp4", b"\0\0\0\x18ftypmp42", Code.WRONG_TYPE),
    ("link.lnk", "", b"L\0\0\0", Code.WRONG_TYPE),
    ("declared.png", "text/html", corpus.png(), Code.WRONG_TYPE),
    ("declared.jpg", "image/svg+xml", corpus.jpeg(), Code.WRONG_TYPE),
    ("page.pdf", "application/pdf", corpus.HTML, Code.NOT_WHAT_IT_SAYS),
    ("drawing.png", "image/png", corpus.SVG, Code.NOT_WHAT_IT_SAYS),
    ("letter.pdf", "application/pdf", DOCX, Code.NOT_WHAT_IT_SAYS),
    ("photo.png", "image/png", corpus.jpeg(), Code.NOT_WHAT_IT_SAYS),
    ("photo.jpg", "image/jpeg", corpus.png(), Code.NOT_WHAT_IT_SAYS),
    ("moving.png", "image/png", corpus.other_picture("GIF"), Code.NOT_WHAT_IT_SAYS),
    ("late.pdf", "application/pdf", b"MZ" + b" " * 500 + corpus.pdf(), Code.NOT_WHAT_IT_SAYS),
    ("gifar.png", "image/png", corpus.png() + corpus.zipped(a=b"x"), Code.NOT_WHAT_IT_SAYS),
    ("both.jpg", "image/jpeg", corpus.jpeg(comment=b"%PDF-1.7"), Code.NOT_WHAT_IT_SAYS),
    ("both.pdf", "", corpus.pdf() + corpus.zipped(a=b"x") + b"%%EOF", Code.NOT_WHAT_IT_SAYS),
    ("page.txt", "text/plain", corpus.HTML, Code.NOT_WHAT_IT_SAYS),
    ("drawing.txt", "text/plain", b"\n  " + corpus.SVG, Code.NOT_WHAT_IT_SAYS),
    ("utf16.txt", "text/plain", corpus.HTML.decode().encode("utf-16"), Code.NOT_WHAT_IT_SAYS),
    ("letter.txt", "text/plain", corpus.pdf(), Code.NOT_WHAT_IT_SAYS),
    ("nul.txt", "text/plain", b"a\x00b", Code.NOT_WHAT_IT_SAYS),
    ("escape.txt", "text/plain", b"\x1b]0;title\x07", Code.NOT_WHAT_IT_SAYS),
    ("binary.txt", "text/plain", bytes(range(256)), Code.NOT_WHAT_IT_SAYS),
    ("rich.txt", "text/plain", b"{\\rtf1 x}", Code.NOT_WHAT_IT_SAYS),
    ("page.eml", "message/rfc822", corpus.HTML, Code.NOT_WHAT_IT_SAYS),
    ("notes.eml", "message/rfc822", TEXT, Code.NOT_WHAT_IT_SAYS),
    ("headless.eml", "", b"X-Note: 1\n\nhello", Code.NOT_WHAT_IT_SAYS),
    ("deep.eml", "", corpus.nested_letter(500), Code.NOT_WHAT_IT_SAYS),
    ("secret.pdf", "application/pdf", corpus.pdf_with_password("user"), Code.PASSWORD),
    ("locked.pdf", "application/pdf", corpus.pdf_with_password(), Code.PASSWORD),
    ("spelt.pdf", "", corpus.pdf_saying(b"/#45ncryp#74 8 0 R"), Code.PASSWORD),
    ("script.pdf", "application/pdf", corpus.pdf_with_script(), Code.ACTIVE),
    ("spelt2.pdf", "", corpus.pdf_saying(b"/S /J#61vaScript"), Code.ACTIVE),
    ("launch.pdf", "", corpus.pdf_saying(b"/S/Launch/F(x)"), Code.ACTIVE),
    ("carrier.pdf", "application/pdf", corpus.pdf_with_enclosure(), Code.ACTIVE),
    ("form.pdf", "", corpus.pdf_saying(b"/AcroForm<</XFA[(a)]>>"), Code.ACTIVE),
    ("hidden.pdf", "", corpus.pdf_packing(b"1 0 <</S/JavaScript/JS(x)>>"), Code.ACTIVE),
    ("odd.pdf", "", corpus.pdf_packing(b"1 0", b"[/AHx /FlateDecode]"), Code.ACTIVE),
    ("bomb.pdf", "", corpus.pdf_packing(b"0" * (40 * MB)), Code.ACTIVE),
    ("cut.pdf", "application/pdf", corpus.pdf()[:200], Code.FAILED),
    ("start.pdf", "application/pdf", b"%PDF-1.7\n", Code.FAILED),
    ("cut.png", "image/png", corpus.png("RGB", (400, 300))[:120], Code.FAILED),
    ("cut.jpg", "image/jpeg", corpus.jpeg()[:300], Code.FAILED),
    ("start.jpg", "image/jpeg", b"\xff\xd8\xff\xe0", Code.FAILED),
    ("bomb.png", "image/png", corpus.pixel_bomb(), Code.TOO_MANY_PIXELS),
    ("claims.png", "image/png", corpus.png_claiming(60_000, 60_000), Code.TOO_MANY_PIXELS),
    ("long.txt", "text/plain", b"a line of words\n" * 70_000, Code.TOO_BIG),
    ("card.eml", "", corpus.letter("My card is 4242 4242 4242 4242.").as_bytes(), Code.CARD_NUMBER),
    ("tags.eml", "", corpus.html_letter("4242<b>4242</b>42424242"), Code.CARD_NUMBER),
    ("virus.txt", "text/plain", corpus.EICAR, Code.VIRUS),
    ("virus.pdf", "application/pdf", corpus.pdf() + corpus.EICAR, Code.VIRUS),
    ("virus.eml", "", corpus.letter_with("a.txt", corpus.EICAR), Code.BAD_ENCLOSURE),
    ("note.eml", "", corpus.letter_with("a.txt", b"4242 4242 4242 4242"), Code.BAD_ENCLOSURE),
    ("carrier.eml", "", corpus.letter_with("a.exe", b"MZ"), Code.BAD_ENCLOSURE),
    ("macro.eml", "", corpus.letter_with("a.docm", DOCX), Code.BAD_ENCLOSURE),
    ("page.eml", "", corpus.letter_with("a.html", corpus.HTML), Code.BAD_ENCLOSURE),
    ("script.eml", "", corpus.letter_with("a.pdf", corpus.pdf_with_script()), Code.BAD_ENCLOSURE),
]  # fmt: skip


@pytest.mark.req("V5.2.2")
@pytest.mark.parametrize(("name", "declared", "data", "stored"), TAKEN, ids=lambda v: str(v)[:24])
def test_it_takes_honest_files(name: str, declared: str, data: bytes, stored: str) -> None:
    taken = uploads.check(name, declared, data)
    assert taken.content_type == stored
    assert taken.size == len(taken.data)
    assert taken.sha256 == hashlib.sha256(taken.data).hexdigest()


@pytest.mark.req("T43", "V5.2.2", "V5.2.3", "V5.2.6", "V1.3.4", "V1.5.1")
@pytest.mark.parametrize(("name", "declared", "data", "code"), REFUSED, ids=lambda v: str(v)[:24])
def test_it_refuses_the_rest(name: str, declared: str, data: bytes, code: Code) -> None:
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check(name, declared, data)
    assert caught.value.code is code
    assert caught.value.message.endswith(".")
    assert "!" not in caught.value.message


@pytest.mark.req("V5.1.1")
def test_every_reason_for_refusal_has_its_own_sentence() -> None:
    seen: dict[Code, str] = {}
    for name, declared, data, _ in REFUSED:
        with pytest.raises(uploads.Rejected) as caught:
            uploads.check(name, declared, data)
        seen[caught.value.code] = caught.value.message.replace(f"“{name}”", "")
    # Two are of the case, one of the customer's day, one of a very long PDF.
    assert len(set(seen.values())) == len(seen) == len(Code) - 4
    assert len(TAKEN) + len(REFUSED) >= 60


def test_it_says_the_size_of_a_file_that_is_too_big() -> None:
    with pytest.raises(uploads.Rejected, match=r"“a.pdf” is 10.1 MB. Choose a file of 10 MB"):
        uploads.check("a.pdf", "", b"x" * (10 * MB + 1))


@pytest.mark.req("V5.2.4", "V5.2.1", "T45")
def test_a_case_holds_twenty_files_and_25_mb() -> None:
    uploads.check_room("a.pdf", 5 * MB, files_held=19, bytes_held=20 * MB)
    with pytest.raises(uploads.Rejected, match="20 files") as caught:
        uploads.check_room("a.pdf", 1, files_held=20, bytes_held=0)
    assert caught.value.code is Code.TOO_MANY
    with pytest.raises(uploads.Rejected, match=r"room for 4\.9 MB more of 25 MB") as caught:
        uploads.check_room("a.pdf", 5 * MB, files_held=1, bytes_held=20 * MB + 1)
    assert caught.value.code is Code.CASE_FULL


@pytest.mark.req("V14.2.8")
def test_pictures_lose_place_camera_and_comments() -> None:
    taken = uploads.check("photo.jpg", "", corpus.jpeg(comment=b"4242 secret"))
    assert not Image.open(io.BytesIO(taken.data)).getexif()
    for trace in (b"Priya", b"secret", b"Exif", b"ICC_PROFILE"):
        assert trace not in taken.data
    noted = uploads.check("scan.png", "", corpus.png(comment="<script>alert(1)</script>"))
    assert b"script" not in noted.data


def test_pictures_are_turned_upright_before_the_note_is_lost() -> None:
    taken = uploads.check("photo.jpg", "", corpus.jpeg(orientation=6))
    assert Image.open(io.BytesIO(taken.data)).size == (30, 40)


@pytest.mark.req("T43")
def test_what_hides_behind_a_picture_is_gone() -> None:
    taken = uploads.check("photo.png", "", corpus.png() + b"<script>alert(1)</script>")
    assert b"script" not in taken.data


def test_transparency_survives() -> None:
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    out = io.BytesIO()
    clear.save(out, "PNG")
    taken = uploads.check("clear.png", "", out.getvalue())
    assert Image.open(io.BytesIO(taken.data)).getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.req("T45")
def test_large_pictures_are_made_smaller_but_stay_readable() -> None:
    out = io.BytesIO()
    Image.new("L", (6000, 3000), 200).save(out, "JPEG")
    taken = uploads.check("scan.jpg", "", out.getvalue())
    assert max(Image.open(io.BytesIO(taken.data)).size) == upload_pictures.LONG_EDGE


def test_text_is_kept_as_utf_8() -> None:
    assert uploads.check("a.txt", "", "żółć".encode("utf-16")).data == "żółć".encode()
    assert uploads.check("a.txt", "", b"\xef\xbb\xbfhello").data == b"hello"


@pytest.mark.req("T53")
def test_text_loses_card_numbers_and_names_do_too() -> None:
    taken = uploads.check("4242424242424242.txt", "", b"My card is 4242 4242 4242 4242, cvc 123.")
    assert b"4242 4242" not in taken.data
    assert b"123" not in taken.data
    assert "42424242" not in taken.name
    assert taken.name.endswith(".txt")


def test_pdfs_and_emails_are_kept_as_they_came() -> None:
    for name, data in (("a.pdf", corpus.pdf()), ("a.eml", corpus.letter().as_bytes())):
        assert uploads.check(name, "", data).data == data


@pytest.mark.req("T53")
def test_the_names_that_mail_programs_invent_are_no_card_numbers() -> None:
    """A boundary of Python's has 19 random digits, an id may have any number of them."""
    sent = corpus.letter_with("logo.gif", GIF)
    boundary = re.search(rb'boundary="(=+[0-9]+==)"', sent)
    assert boundary is not None
    sent = sent.replace(boundary[1], b"===============4242424242424242428==")
    sent = b"Message-ID: <4242424242424242@mail.example>\n" + sent
    assert uploads.check("mail.eml", "", sent).data == sent
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check("mail.eml", "", b"X-Note: 4242424242424242\n" + sent)
    assert caught.value.code is Code.CARD_NUMBER


def test_a_real_scanner_is_asked_first_and_its_word_counts() -> None:
    asked: list[bytes] = []

    def scan(data: bytes) -> bool:
        asked.append(data)
        return True

    with pytest.raises(uploads.Rejected, match="virus") as caught:
        uploads.check("a.pdf", "", corpus.pdf(), scan)
    assert caught.value.code is Code.VIRUS
    assert asked == [corpus.pdf()]


def test_heic_is_refused_as_a_wrong_type_without_its_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload_pictures, "heic_is_readable", lambda: False)
    with pytest.raises(uploads.Rejected, match="Choose a PDF, PNG, JPEG") as caught:
        uploads.check("photo.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert caught.value.code is Code.WRONG_TYPE


def test_heic_that_cannot_be_opened_is_a_failed_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_pictures, "heic_is_readable", lambda: True)
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check("photo.heic", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert caught.value.code is Code.FAILED


@pytest.mark.req("T45", "V15.2.2")
def test_a_pdf_made_to_keep_us_busy_is_refused_soon() -> None:
    repeated = b"obj <</Type /ObjStm /Filter /FlateDecode>> stream\n"
    data = corpus.pdf_saying(repeated * (9 * MB // len(repeated)))
    started = time.monotonic()
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check("busy.pdf", "", data)
    assert caught.value.code is Code.ACTIVE
    assert time.monotonic() - started < 2


def test_a_stream_of_random_bytes_is_rarely_mistaken_for_active_content() -> None:
    noise = zlib.compress(bytes(i * i % 251 for i in range(200_000)))
    stream = b"5 0 obj <</Length %d>>\nstream\n" % len(noise) + noise + b"\nendstream\n"
    data = corpus.pdf().replace(b"startxref", stream + b"startxref")
    assert uploads.check("noise.pdf", "", data).size == len(data)


NAMES = [
    ("../../etc/passwd.pdf", "passwd.pdf"),
    ("C:\\Users\\Priya\\invoice.pdf", "invoice.pdf"),
    ("/absolute/invoice.pdf", "invoice.pdf"),
    ("a\r\nSet-Cookie: x=1.pdf", "a Set-Cookie_ x=1.pdf"),
    ("nul\x00byte.pdf", "nulbyte.pdf"),
    ("invoice\u202efdp.exe.pdf", "invoicefdp.exe.pdf"),
    ("zero\u200bwidth\u2066.pdf", "zerowidth.pdf"),
    ('quo"te<b>.pdf', "quo_te_b_.pdf"),
    ("  many   blanks .pdf ", "many blanks .pdf"),
    ("cafe\u0301.pdf", "caf\u00e9.pdf"),
    ("Łukasz Żółć 株式会社.pdf", "Łukasz Żółć 株式会社.pdf"),
    ("..", "file"),
    ("", "file"),
]


@pytest.mark.req("T44", "V5.4.1")
@pytest.mark.parametrize(("raw", "clean"), NAMES)
def test_names_are_cleaned_for_display(raw: str, clean: str) -> None:
    assert upload_names.clean(raw) == clean


def test_long_names_keep_their_extension() -> None:
    name = upload_names.clean("x" * 300 + ".pdf")
    assert len(name) == 120
    assert name.endswith("….pdf")
    assert upload_names.with_extension("Photo 1.HEIC", ".jpg") == "Photo 1.jpg"
    assert upload_names.with_extension("photo", ".jpg") == "photo.jpg"
