"""The virus scanner: clean, found, and nothing let through when it cannot tell."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from amends import facts
from amends.gateways import uploads, virus_scan
from tests.gateways import upload_corpus as corpus


@contextlib.contextmanager
def daemon(answer: bytes, place: Path | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Listens once, reads a whole INSTREAM, answers."""
    family = socket.AF_UNIX if place else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.bind(str(place) if place else ("127.0.0.1", 0))
        door.listen()
        read: list[bytes] = []
        thread = threading.Thread(target=_serve, args=(door, answer, read))
        thread.start()
        port = 0 if place else door.getsockname()[1]
        yield (f"unix://{place}" if place else f"tcp://127.0.0.1:{port}"), read
        thread.join(5)


def _serve(door: socket.socket, answer: bytes, read: list[bytes]) -> None:
    line, _ = door.accept()
    with line, line.makefile("rb") as stream:
        assert stream.read(10) == b"zINSTREAM\0"
        while size := int.from_bytes(stream.read(4), "big"):
            read.append(stream.read(size))
        line.sendall(answer)


def test_a_clean_file_is_sent_whole_and_taken() -> None:
    data = corpus.pdf() + b" " * 200_000 + b"%%EOF"
    with daemon(b"stream: OK\0") as (url, read):
        assert uploads.check("a.pdf", "", data, virus_scan.Scanner(url)).size == len(data)
    assert b"".join(read) == data


@pytest.mark.req("V5.4.3")
def test_an_infected_file_is_refused(tmp_path: Path) -> None:
    found = b"stream: Win.Test.EICAR_HDB-1 FOUND\0"
    with daemon(found, tmp_path / "d") as (url, _), pytest.raises(uploads.Rejected) as caught:
        uploads.check("a.txt", "", corpus.EICAR, virus_scan.Scanner(url))
    assert caught.value.code is uploads.Code.VIRUS


@pytest.mark.req("V16.5.3")
@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b""])
def test_an_answer_that_says_nothing_lets_nothing_through(answer: bytes) -> None:
    with daemon(answer) as (url, _), pytest.raises(facts.Unavailable):
        virus_scan.Scanner(url)(b"x")


def test_a_scanner_that_is_away_lets_nothing_through(tmp_path: Path) -> None:
    for url in ("tcp://127.0.0.1:9", f"unix://{tmp_path}/nothing"):
        with pytest.raises(virus_scan.ScannerUnavailable, match="Try again"):
            virus_scan.Scanner(url)(b"x")


@pytest.mark.parametrize("url", ["", "http://h", "127.0.0.1:3310", "tcp://"])
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="tcp://"):
        virus_scan.Scanner(url)
