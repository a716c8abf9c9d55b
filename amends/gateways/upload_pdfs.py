"""PDF files: whole, without password, scripts or files inside. Looked at, never executed."""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from amends.gateways import upload_verdict
from amends.gateways.upload_verdict import Code

# What runs, opens programs or carries files. An action needs one of these names in full.
_ACTIVE: Final = (b"JavaScript", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA")
_END_OF_NAME: Final = rb"(?=[\s\[\]<>()/%]|$)"
_MAX_INFLATED: Final = 32 * 1024 * 1024
_TAIL: Final = 2048  # where readers look for the end mark
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_TAIL: Final = 22 + 65_535  # its record and the longest comment behind it


def _name(word: bytes) -> bytes:
    """A pattern for the PDF name /word, each sign plain or written as #xx."""
    signs = [b"(?:%s|#%02x|#%02X)" % (re.escape(bytes([s])), s, s) for s in word]
    return b"/" + b"".join(signs) + _END_OF_NAME


_ACTIVE_NAME: Final = re.compile(b"|".join(_name(word) for word in _ACTIVE))
_ENCRYPT: Final = re.compile(_name(b"Encrypt"))
_OBJECT_STREAM: Final = re.compile(_name(b"ObjStm"))
_FLATE: Final = re.compile(_name(b"FlateDecode"))
_ANY_FILTER: Final = re.compile(_name(b"Filter"))
_OTHER_FILTER: Final = re.compile(rb"/(?:ASCII|LZW|RunLength|Crypt|A85|AHx|JBIG2|CCITT|DCT)")
_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY_REACH: Final = 1024
_MAX_OBJECT_STREAMS: Final = (
    5000  # a hundred objects each; a thousand-page file needs a few hundred
)


def check(name: str, data: bytes) -> None:
    """Raises Rejected unless this is a PDF that can be kept as it is."""
    if b"%%EOF" not in data[-_TAIL:] or b"startxref" not in data:
        raise upload_verdict.rejected(Code.FAILED, name)
    if _ZIP_END in data[-_ZIP_TAIL:]:
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    if _ENCRYPT.search(data):
        raise upload_verdict.rejected(Code.PASSWORD, name)
    if _is_active(data):
        raise upload_verdict.rejected(Code.ACTIVE, name)


def _is_active(data: bytes) -> bool:
    if _ACTIVE_NAME.search(data):
        return True
    try:
        return any(_ACTIVE_NAME.search(objects) for objects in _packed_objects(data))
    except (zlib.error, _Unreadable):
        # Objects nobody can look into are treated as what they may hide.
        return True


class _Unreadable(Exception):
    """An object stream written in a way no ordinary program writes it."""


def _packed_objects(data: bytes) -> Iterator[bytes]:
    """The contents of the object streams, up to limits that no honest file reaches."""
    left = _MAX_INFLATED
    for count, mark in enumerate(_OBJECT_STREAM.finditer(data)):
        start = _STREAM.search(data, mark.end(), mark.end() + _DICTIONARY_REACH)
        if start is None or count >= _MAX_OBJECT_STREAMS:
            raise _Unreadable
        head = data[max(0, mark.start() - _DICTIONARY_REACH) : start.start()]
        packed = data[start.end() : data.find(b"endstream", start.end())]
        objects = _unpacked(head[head.rfind(b"obj", 0, -len(mark[0])) :], packed, left)
        left -= len(objects)
        yield objects


def _unpacked(head: bytes, packed: bytes, limit: int) -> bytes:
    """The objects in the clear. Those without any filter were searched as they stand."""
    if _FLATE.search(head) and not _OTHER_FILTER.search(head):
        return _inflated(packed, limit)
    if _ANY_FILTER.search(head):
        raise _Unreadable
    return b""


def _inflated(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj()
    objects = unpacker.decompress(packed, max(limit, 1))
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise _Unreadable
    return objects
