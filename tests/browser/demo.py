"""The demo as a subprocess, and Chromium to use it with."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
]  # fmt: skip
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def chromium() -> str:
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "no Chromium; run .ci/chromium"
    return found


@dataclass(frozen=True)
class Demo:
    """A running demo. Ports follow each other: portal, back office, outside."""

    port: int

    @property
    def portal(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def outside(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    def mails(self, address: str) -> list[dict[str, Any]]:
        """What this address got, newest last."""
        found: list[dict[str, Any]] = _json(f"{self.outside}/mailbox/messages.json?to={address}")
        return sorted(found, key=lambda each: int(each["number"]))

    def mail(self, address: str, subject: str, after: int = 0, within_s: float = 30) -> str:
        """The text of the newest mail with these words in its subject, once it has come."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for each in reversed(self.mails(address)):
                if subject.lower() in str(each["subject"]).lower() and each["number"] > after:
                    return str(each["text"])
            time.sleep(0.2)
        raise AssertionError(
            f"no mail '{subject}' to {address}: {[each['subject'] for each in self.mails(address)]}"
        )

    def newest(self, address: str) -> int:
        return max((int(each["number"]) for each in self.mails(address)), default=0)

    def ledger(self) -> list[dict[str, Any]]:
        """The twin's own books, in order."""
        found = _json(f"{self.outside}/stripe/_twin/ledger")
        rows: list[dict[str, Any]] = found if isinstance(found, list) else found["ledger"]
        return rows


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def free_port() -> int:
    """The first of six free ports in a row."""
    for _ in range(50):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 65_000 and all(_is_free(port + step) for step in range(1, 6)):
            return port
    raise AssertionError("no six free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def running() -> Iterator[Demo]:
    """A demo of its own, with data of its own, stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="amends-demo-"))
    folder.chmod(0o755)
    port = free_port()
    log = (folder / "demo.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "amends", "demo", "--port", str(port), "--data-dir",
         str(folder / "data")],
        stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        _wait_until_open(process, folder / "demo.log")
        yield Demo(port)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_open(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        text = log.read_text()
        if re.search(r"is open, after", text):
            return
        assert process.poll() is None, text
        time.sleep(0.2)
    raise AssertionError(f"the demo did not open: {log.read_text()}")
