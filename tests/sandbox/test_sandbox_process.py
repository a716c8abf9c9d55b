"""The sandbox as the demo starts it: a process of its own, stopped and started again."""

import json
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from amends import settings


@dataclass(frozen=True)
class Started:
    url: str
    smtp_port: int
    process: subprocess.Popen[str]

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path)


@contextmanager
def _sandbox(state: Path, *options: str) -> Iterator[Started]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", "0"]
    process = subprocess.Popen(
        [*command, "--state", str(state), *options],
        cwd=settings.project_root(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        started = Started(**json.loads(process.stdout.readline()), process=process)
        _wait_until_healthy(started)
        yield started
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _wait_until_healthy(started: Started) -> None:
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            if started.get("/healthz").json()["ok"]:
                return
        except httpx2.HTTPError:
            time.sleep(0.02)
    raise AssertionError("The sandbox does not answer")


def _stop(started: Started) -> None:
    started.process.send_signal(signal.SIGTERM)
    started.process.wait(timeout=20)


@pytest.mark.slow
def test_it_keeps_everything_over_a_restart(tmp_path: Path, signing_key: Path) -> None:
    (tmp_path / "identity-key.json").write_bytes(signing_key.read_bytes())
    with _sandbox(tmp_path) as first:
        with smtplib.SMTP("127.0.0.1", first.smtp_port) as smtp:
            smtp.sendmail("a@amends.example", ["billing@harborfitness.example"], "Subject: Hi\n\n")
        moved = httpx2.post(f"{first.url}/clock", data={"step": "3d"})
        assert moved.status_code == 303
        keys = first.get("/idp/jwks").json()
        issuer = first.get("/idp/.well-known/openid-configuration").json()["issuer"]
        assert issuer == f"{first.url}/idp"
        assert first.get("/stripe/v1/charges").status_code == 401
        _stop(first)
    with _sandbox(tmp_path) as second:
        assert [m["subject"] for m in second.get("/mailbox/messages.json").json()] == ["Hi"]
        assert second.get("/idp/jwks").json() == keys
        assert "3 days ahead" in second.get("/").text
        _stop(second)
        with pytest.raises(httpx2.ConnectError):
            second.get("/healthz")
