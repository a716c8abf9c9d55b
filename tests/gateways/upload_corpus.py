"""Files built for the upload tests: honest ones, broken ones and malicious ones."""

import io
import zipfile
import zlib
from email.message import EmailMessage

import pypdf
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pypdf.actions import JavaScript

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.cookie)</script>"


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


def png(mode: str = "RGB", size: tuple[int, int] = (40, 30), comment: str = "") -> bytes:
    out, notes = io.BytesIO(), PngInfo()
    if comment:
        notes.add_text("Comment", comment)
    picture(mode, size).save(out, "PNG", pnginfo=notes)
    return out.getvalue()


def jpeg(mode: str = "RGB", comment: bytes = b"", orientation: int = 1) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of Priya Raman"
    exif.get_ifd(0x8825).update({1: "N", 2: (42.0, 21.0, 30.0)})  # where it was taken
    picture(mode).save(out, "JPEG", exif=exif, comment=comment)
    return out.getvalue()


def other_picture(kind: str) -> bytes:
    out = io.BytesIO()
    picture().save(out, kind)
    return out.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size its few bytes do not hold."""
    data = bytearray(png())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def pixel_bomb() -> bytes:
    """12,000 x 12,000 real pixels in 20 kB."""
    out = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(out, "PNG")
    return out.getvalue()


def pdf() -> bytes:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    return _written(writer)


def pdf_with_password(owner_only: str = "") -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf()))
    writer.encrypt(owner_only, "owner", algorithm="AES-256")
    return _written(writer)


def pdf_with_script() -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf()))
    writer.add_open_action(JavaScript("app.alert('hello');"))
    return _written(writer)


def pdf_with_enclosure() -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(pdf()))
    writer.add_attachment("setup.exe", b"MZ")
    return _written(writer)


def pdf_packing(inside: bytes, filters: bytes = b"/FlateDecode") -> bytes:
    """A PDF whose objects are packed, as most programs write them today."""
    packed = zlib.compress(inside)
    head = b"7 0 obj <</Type /ObjStm /N 1 /First 4 /Filter %s /Length %d>>" % (filters, len(packed))
    stream = head + b"\nstream\n" + packed + b"\nendstream\nendobj\n"
    return pdf().replace(b"startxref", stream + b"startxref")


def pdf_saying(words: bytes) -> bytes:
    return pdf().replace(b"startxref", b"9 0 obj <<" + words + b">> endobj\nstartxref")


def _written(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def zipped(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def letter(body: str = "The order came late.") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Priya Raman <billing@harborfitness.example>"
    message["To"] = "carrier@freight.example"
    message["Subject"] = "Order SO-10482"
    message["Date"] = "Tue, 24 Nov 2026 10:02:00 -0500"
    message.set_content(body)
    return message


def letter_with(name: str, data: bytes) -> bytes:
    message = letter()
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def html_letter(markup: str) -> bytes:
    message = letter()
    message.add_alternative(f"<p>{markup}</p>", subtype="html")
    return message.as_bytes()


def nested_letter(depth: int) -> bytes:
    head = b"From: a@b.example\nSubject: deep\nMIME-Version: 1.0\n"
    for level in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level)
    return head + b"Content-Type: text/plain\n\nhello\n"
