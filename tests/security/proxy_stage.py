"""A portal and nginx in front of it, with the sample of docs/DEPLOY.md, on loopback."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = "billing.example.com"
_PATIENCE_S = 120
_AROUND = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{sample}
}}
"""


@dataclass(frozen=True)
class Stage:
    """Where the portal listens by itself, and where the proxy does."""

    portal: int
    plain: int
    tls: int


def sample() -> str:
    return (ROOT / "docs" / "DEPLOY.md").read_text().split("```nginx\n")[1].split("```")[0]


def written(folder: Path, stage: Stage) -> str:
    """The sample with other ports and a certificate of its own; every limit as it stands there."""
    text = sample().replace("listen 80;", f"listen {stage.plain};")
    text = text.replace("listen 443 ssl;", f"listen {stage.tls} ssl;")
    # nginx before 1.25 says it in the line above.
    text = re.sub(r"(listen \d+ ssl);\s+http2 on;", r"\1 http2;", text)
    text = text.replace("http://127.0.0.1:8700", f"http://127.0.0.1:{stage.portal}")
    text = text.replace("/etc/ssl/billing", str(folder / "billing"))
    return _AROUND.format(folder=folder, sample=text)


def version() -> str:
    said = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return said.split(":")[1].strip()


@contextmanager
def standing(folder: Path) -> Iterator[Stage]:
    stage = Stage(*_free_ports(3))
    _certificate(folder)
    (folder / "nginx.conf").write_text(written(folder, stage))
    with _running(_portal(stage), folder, _settings(folder)):
        _wait(stage.portal)
        nginx = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-g", "daemon off;"]
        with _running(nginx, folder, {}):
            _wait(stage.tls)
            yield stage


def _portal(stage: Stage) -> list[str]:
    own = ["serve", "portal", "--port", str(stage.portal), "--trusted-proxy", "127.0.0.1"]
    return [sys.executable, "-m", "amends", *own]


def _settings(folder: Path) -> dict[str, str]:
    return {
        "AMENDS_DATA_DIR": str(folder),
        "AMENDS_PORTAL_URL": f"https://{HOST}",
        "AMENDS_SECRET_KEY": os.urandom(32).hex(),
        # Nobody is asked: no page of these tests needs Stripe.
        "AMENDS_STRIPE_SECRET_KEY": "rk_test_" + os.urandom(12).hex(),
        "AMENDS_STRIPE_WEBHOOK_SECRET": "whsec_" + os.urandom(16).hex(),
        "AMENDS_STRIPE_API_BASE": "http://127.0.0.1:9",
    }


def _certificate(folder: Path) -> None:
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-keyout", str(folder / "billing.key"),
        "-out", str(folder / "billing.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def _running(command: list[str], folder: Path, settings: dict[str, str]) -> Iterator[None]:
    others = {name: text for name, text in os.environ.items() if not name.startswith("AMENDS_")}
    if settings:
        migrate = [sys.executable, "-m", "amends", "migrate"]
        subprocess.run(migrate, cwd=ROOT, env=others | settings, check=True, capture_output=True)
    with (folder / "out.log").open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=others | settings, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _free_ports(count: int) -> list[int]:
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


def _wait(port: int) -> None:
    give_up = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")
