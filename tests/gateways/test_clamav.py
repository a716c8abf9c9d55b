"""The virus scanner against ClamAV itself, with one signature of our own for the test file.

Runs where Debian's clamav-daemon is installed; the official signatures are the operator's.
"""

import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from amends.gateways import uploads, virus_scan
from tests.gateways import upload_corpus as corpus

CLAMD = shutil.which("clamd") or ("/usr/sbin/clamd" if Path("/usr/sbin/clamd").exists() else "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.req("V5.4.3", "T43"),
    pytest.mark.skipif(not CLAMD, reason="clamd is not installed: apt-get install clamav-daemon"),
]
_SETTINGS = """
Foreground yes
LocalSocket {folder}/clamd.ctl
DatabaseDirectory {folder}/signatures
TemporaryDirectory {folder}
PidFile {folder}/clamd.pid
ConcurrentDatabaseReload no
"""


@pytest.fixture(scope="module")
def scanner() -> Iterator[virus_scan.Scanner]:
    """A daemon of its own; it knows the industry's test file and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="amends-clamd-"))
    (folder / "signatures").mkdir()
    (folder / "signatures" / "own.ndb").write_text(f"Own.Test:0:*:{corpus.EICAR.hex()}\n")
    (folder / "clamd.conf").write_text(_SETTINGS.format(folder=folder))
    command = [CLAMD, f"--config-file={folder / 'clamd.conf'}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        _wait(folder / "clamd.ctl", process)
        yield virus_scan.Scanner(f"unix://{folder / 'clamd.ctl'}")
        process.terminate()
    shutil.rmtree(folder)


def _wait(door: Path, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 120
    while not door.exists():
        assert process.poll() is None and process.stdout is not None, process.stdout.read()
        assert time.monotonic() < give_up, "clamd does not answer"
        time.sleep(0.1)


def test_clamav_finds_the_test_file_and_lets_clean_ones_through(
    scanner: virus_scan.Scanner,
) -> None:
    assert scanner(corpus.EICAR)
    assert not scanner(b"Dear shop, here is my statement.")
    assert not scanner(corpus.pdf())


def test_clamav_looks_into_archives(scanner: virus_scan.Scanner) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("note.txt", corpus.EICAR)
    assert scanner(packed.getvalue())


def test_an_upload_with_the_test_file_is_refused_by_clamav(scanner: virus_scan.Scanner) -> None:
    with pytest.raises(uploads.Rejected) as caught:
        uploads.check("note.txt", "text/plain", b"Read this: " + corpus.EICAR, scanner)
    assert "virus" in str(caught.value).lower()
    assert uploads.check("a.pdf", "application/pdf", corpus.pdf(), scanner).size > 0


def test_a_file_of_ten_megabytes_fits_through_the_line(scanner: virus_scan.Scanner) -> None:
    assert not scanner(b"statement of account\n" * (10 * 1024 * 1024 // 21))
