"""`amends demo`: starts everything, keeps it over a restart, and leaves nothing running."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest

PARTS = 4


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Open to the user that PostgreSQL runs as, unlike pytest's own folders."""
    made = Path(tempfile.mkdtemp(prefix="amends-demo-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def port() -> int:
    """The first of eight neighbouring ports that nobody uses: the demo moves once."""
    for first in range(23700, 24700, 10):
        if all(_is_free(first + offset) for offset in range(2 * PARTS)):
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def demo(folder: Path, port: int, *more: str) -> list[str]:
    own = ["demo", "--port", str(port), "--data-dir", str(folder), *more]
    return [sys.executable, "-u", "-m", "amends", *own]


@contextmanager
def running(folder: Path, port: int, *more: str, end: int = signal.SIGINT) -> Iterator[str]:
    """The demo, open for visitors; what it printed."""
    with subprocess.Popen(
        demo(folder, port, *more), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        try:
            while "Ctrl-C stops everything" not in printed:
                line = process.stdout.readline()
                assert line, printed
                printed += line
            yield printed
        finally:
            process.send_signal(end)
            rest = process.stdout.read()
        assert process.wait(40) == 0, printed + rest


def left_over(folder: Path) -> list[str]:
    """Command lines of processes that still know the demo's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            surroundings = (path.parent / "environ").read_bytes()
        except (OSError, ProcessLookupError):
            continue
        if str(folder) in words or os.fsencode(folder) in surroundings:
            found.append(words)
    return found


def refs(folder: Path) -> list[str]:
    url = f"postgresql://postgres@/amends?host={folder / 'postgres' / 'run'}"
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT ref FROM case_ ORDER BY id")]


def users(folder: Path) -> set[str]:
    """As whom the demo's processes come to the database."""
    url = f"postgresql://postgres@/amends?host={folder / 'postgres' / 'run'}"
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT DISTINCT usename FROM pg_stat_activity"
            " WHERE datname = 'amends' AND pid <> pg_backend_pid()"
        )
        return {str(row[0]) for row in found}


def endpoints(port: int) -> list[str]:
    """Where the twin sends Stripe's events."""
    key = {"Authorization": "Bearer sk_test_worker"}
    url = f"http://127.0.0.1:{port + 2}/stripe/v1/webhook_endpoints"
    return [each["url"] for each in httpx2.get(url, headers=key).json()["data"]]


@pytest.mark.req("V13.2.2")
@pytest.mark.slow
def test_it_starts_stops_and_starts_again(folder: Path, port: int) -> None:
    with running(folder, port) as printed:
        assert f"http://127.0.0.1:{port + 1}" in printed
        assert "billing@harborfitness.example" in printed
        for offset in range(3):
            answer = httpx2.get(f"http://127.0.0.1:{port + offset}/healthz")
            assert answer.status_code == 200
        filed = refs(folder)
        assert len(filed) >= 9
        assert {"amends_portal_login", "amends_worker_login"} <= users(folder)
        assert "postgres" not in users(folder)
    assert left_over(folder) == []
    with running(folder, port + PARTS, end=signal.SIGTERM):
        assert refs(folder) == filed
        assert endpoints(port + PARTS) == [f"http://127.0.0.1:{port + PARTS}/stripe/webhook"]
        _finds_the_port_taken(folder, port + PARTS)
        _finds_the_folder_taken(folder, port + 1000)
    assert left_over(folder) == []


def _finds_the_port_taken(folder: Path, port: int) -> None:
    second = subprocess.run(
        demo(folder.parent / "other", port), capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"Port {port} is in use" in second.stderr
    assert f"run make demo PORT={port + 100}" in second.stderr


def _finds_the_folder_taken(folder: Path, port: int) -> None:
    second = subprocess.run(demo(folder, port), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"A demo runs in {folder} already" in second.stderr


@pytest.mark.slow
def test_it_leaves_nothing_when_it_is_stopped_while_starting(folder: Path, port: int) -> None:
    with subprocess.Popen(
        demo(folder, port, "--reset"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
    assert left_over(folder) == []


@pytest.mark.slow
def test_it_leaves_nothing_even_when_it_is_killed(folder: Path, port: int) -> None:
    with subprocess.Popen(demo(folder, port), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "Ctrl-C" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()
    deadline = time.monotonic() + 30
    while left_over(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left_over(folder) == []


@pytest.mark.slow
def test_it_says_which_part_failed(folder: Path, port: int) -> None:
    """A sandbox that cannot read its state ends at once; the demo says so and ends as well."""
    (folder / "seeded").touch()
    (folder / "people.json").write_text("not json")
    done = subprocess.run(
        demo(folder, port), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "The sandbox ended by itself." in done.stderr
    assert left_over(folder) == []
