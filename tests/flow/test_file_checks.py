"""Files while the virus scanner is away: kept, handed to nobody, checked as soon as it answers."""

import socket
import threading
from collections.abc import Iterator

import pytest

from amends import facts, settings
from amends.flow import attachment, file_checks
from amends.models import Attachment, Case, TimelineEntry
from amends.queries import staff
from amends.rules.people import Customer
from tests.backoffice import scene
from tests.gateways import upload_corpus as corpus

pytestmark = [pytest.mark.req("V5.4.3", "V16.5.2", "T43"), pytest.mark.usefixtures("db")]
EICAR = corpus.EICAR


class Clamd:
    """A daemon that speaks INSTREAM and knows one virus. `away` closes every call unanswered."""

    def __init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.away = False
        self.url = f"tcp://127.0.0.1:{self.door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self.door.accept()
            except OSError:
                return
            with line, line.makefile("rb") as stream:
                if self.away:
                    continue
                assert stream.read(10) == b"zINSTREAM\0"
                data = b""
                while size := int.from_bytes(stream.read(4), "big"):
                    data += stream.read(size)
                found = b"stream: Eicar-Signature FOUND\0" if EICAR in data else b"stream: OK\0"
                line.sendall(found)


@pytest.fixture
def clamd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    daemon = Clamd()
    known = settings.load().model_copy(update={"clamd_url": daemon.url})
    monkeypatch.setattr(settings, "load", lambda: known)
    yield daemon
    daemon.door.close()


async def _sent(data: bytes = b"Two charges, one order.") -> tuple[Case, Customer, Attachment]:
    shop = await scene.harbor()
    case = await scene.submitted(shop)
    accepted = await attachment.check([attachment.Upload("note.txt", "text/plain", data)])
    async with attachment.stored(accepted) as kept:
        await attachment.add(case, shop.priya, kept)
    return case, shop.priya, await Attachment.get(case_id=case.id)


async def test_a_clean_file_is_handed_out_at_once(clamd: Clamd) -> None:
    case, priya, file = await _sent()
    assert file.state == "clean"
    assert (await attachment.read(priya, case.ref, str(file.id))).name == "note.txt"


async def test_an_infected_file_is_refused_at_once(clamd: Clamd) -> None:
    with pytest.raises(facts.InvalidInput, match="virus"):
        await _sent(EICAR)


async def test_a_file_waits_while_the_scanner_is_away_and_nobody_gets_it(clamd: Clamd) -> None:
    clamd.away = True
    case, priya, file = await _sent()
    sam = await scene.staff("Sam Ito")
    assert file.state == "checking"
    for read in (attachment.read(priya, case.ref, str(file.id)),
                 staff.file_of(sam, case.ref, str(file.id))):  # fmt: skip
        with pytest.raises(facts.NotFound):
            await read
    assert await file_checks.look() == 0

    clamd.away = False
    assert await file_checks.look() == 1
    assert (await attachment.read(priya, case.ref, str(file.id))).data
    assert await file_checks.look() == 0


async def test_a_virus_that_came_meanwhile_is_dropped_and_noted(
    clamd: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:
    clamd.away = True
    case, priya, file = await _sent(b"harmless until the scanner learns of it")
    await attachment.store().put(file.store_key, EICAR, "text/plain")
    clamd.away = False

    assert await file_checks.look() == 1

    assert (await Attachment.get(id=file.id)).state == "infected"
    with pytest.raises(facts.NotFound):
        await attachment.read(priya, case.ref, str(file.id))
    with pytest.raises(Exception, match="no longer stored"):
        await attachment.store().get(file.store_key)
    assert await TimelineEntry.filter(case_id=case.id, action="file_refused").exists()


async def test_without_a_scanner_only_the_test_file_is_known() -> None:
    assert attachment.scanner()(EICAR) and not attachment.scanner()(b"words")
