"""What the demo is made of: ports, folders, keys, and the settings of each of its processes."""

import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from amends import embedded, settings
from amends.rights import Process

HOST = "127.0.0.1"
COMPANY = "Northwind Scanners"
SUPPORT = "support@northwind.example"
# Where each part listens, counted from the port that was asked for.
OFFSETS = {"portal": 0, "backoffice": 1, "sandbox": 2, "mail": 3, "inbox": 4}
CHECKOUT = settings.project_root()
_OUTSIDE = ("sandbox", "seed")
# Only the worker's key moves money; the twin knows these three.
_STRIPE_KEYS = {
    "portal": "rk_test_portal",
    "backoffice": "rk_test_desk",
    "worker": "sk_test_worker",
    "seed": "sk_test_worker",
    # The inbox never calls Stripe; its key may at least not move money.
    "inbox": "rk_test_portal",
}
# A Unix socket's whole path has to fit into about a hundred bytes.
_LONGEST_FOLDER = 80


@dataclass(frozen=True)
class Plan:
    """One demo: its folder and its first port."""

    folder: Path
    port: int

    def port_of(self, part: str) -> int:
        return self.port + OFFSETS[part]

    def url(self, part: str) -> str:
        return f"http://{HOST}:{self.port_of(part)}"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def outside(self) -> Path:
        """The sandbox's own folder: what Stripe, the mail server and the clock remember."""
        return self.folder / "sandbox"

    @property
    def people(self) -> Path:
        """Who to sign in as and what to try, written by the seed."""
        return self.folder / "people.json"

    @property
    def seeded(self) -> Path:
        return self.folder / "seeded"

    def log(self, part: str) -> Path:
        return self.folder / "logs" / f"{part}.log"

    def environment(self, part: str, database_url: str) -> dict[str, str]:
        """The settings of one process; nothing of the caller's own AMENDS_ settings gets in."""
        others = {k: v for k, v in os.environ.items() if not k.startswith("AMENDS_")}
        if part in _OUTSIDE:
            # Not part of the installed package: it stands in the checkout.
            others |= {"PYTHONPATH": _with(CHECKOUT, others.get("PYTHONPATH", ""))}
        if part == "sandbox":
            return others
        return others | {
            "AMENDS_DATABASE_URL": database_url,
            "AMENDS_STRIPE_SECRET_KEY": _STRIPE_KEYS[part],
            "AMENDS_STRIPE_API_BASE": f"{self.url('sandbox')}/stripe",
            "AMENDS_STRIPE_WEBHOOK_SECRET": self.secrets["webhook"],
            "AMENDS_OIDC_ISSUER": f"{self.url('sandbox')}/idp",
            "AMENDS_OIDC_CLIENT_ID": "amends",
            "AMENDS_OIDC_CLIENT_SECRET": self.secrets["oidc"],
            "AMENDS_OIDC_SECOND_FACTOR": "otp",
            "AMENDS_SMTP_URL": f"smtp://{HOST}:{self.port + OFFSETS['mail']}",
            "AMENDS_MAIL_FROM": "billing@northwind.example",
            "AMENDS_SUPPORT_EMAIL": SUPPORT,
            "AMENDS_PORTAL_URL": self.url("portal"),
            "AMENDS_BACKOFFICE_URL": self.url("backoffice"),
            "AMENDS_FILES_URL": (self.folder / "files").as_uri(),
            "AMENDS_DATA_DIR": str(self.folder),
            "AMENDS_SECRET_KEY": self.secrets["key"],
            # The sandbox's mail gateway writes its verdicts under this name.
            "AMENDS_MAIL_AUTHSERV_ID": "mx.amends.example",
            "AMENDS_COMPANY_NAME": COMPANY,
            "AMENDS_CLOCK_FILE": str(self.outside / "clock.json"),
            "PYTHONUNBUFFERED": "1",
        }

    def command(self, part: str) -> list[str]:
        port = str(self.port + OFFSETS.get(part, 0))
        match part:
            case "portal" | "backoffice":
                return [sys.executable, "-m", "amends", "serve", part, "--port", port]
            case "inbox":
                return [sys.executable, "-m", "amends", "inbox", "--port", port]
            case "worker":
                return [sys.executable, "-m", "amends", "worker"]
            case "seed":
                return [sys.executable, "-m", "sandbox.seed", *self._sandbox_places()]
            case "sandbox":
                return [sys.executable, "-m", "sandbox", *self._sandbox_options(port)]
        raise AssertionError(part)

    def _sandbox_places(self) -> list[str]:
        return ["--state", str(self.outside), "--people", str(self.people)]

    def _sandbox_options(self, port: str) -> list[str]:
        options = {
            "--port": port,
            "--smtp-port": str(self.port + OFFSETS["mail"]),
            "--state": str(self.outside),
            "--portal-url": self.url("portal"),
            "--desk-url": self.url("backoffice"),
            "--webhook-url": f"{self.url('portal')}/stripe/webhook",
            "--webhook-secret": self.secrets["webhook"],
            "--oidc-client-id": "amends",
            "--oidc-client-secret": self.secrets["oidc"],
            "--inbox-address": SUPPORT,
            "--inbox-port": str(self.port + OFFSETS["inbox"]),
            "--customers": str(self.people),
        }
        return [word for pair in options.items() for word in pair]

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Made once per folder, so that sessions outlive a restart."""
        path = self.folder / "secrets.json"
        if not path.exists():
            made = {name: secrets.token_urlsafe(32) for name in ("key", "oidc")}
            made["webhook"] = "whsec_" + secrets.token_urlsafe(24)
            path.touch(mode=0o600)
            path.write_text(json.dumps(made))
        found: dict[str, str] = json.loads(path.read_text())
        return found


def _with(folder: Path, path: str) -> str:
    return os.pathsep.join(filter(None, (str(folder), path)))


def user(part: str) -> str:
    """Each process comes with its own rights; the seed plays everybody."""
    known = {process.value: process.login for process in Process}
    return known.get(part, embedded.OWNER)


def refuse_without_sandbox() -> None:
    """An installed package has no pretend outside world; it must not look as if something broke."""
    if not (CHECKOUT / "sandbox" / "__main__.py").is_file():
        raise click.ClickException(
            "The demo needs the sandbox, which is not installed with Amends. "
            "Get the source and run: make demo"
        )


def refuse_taken_ports(port: int) -> None:
    """Says which port is taken before anything is started."""
    for part, offset in OFFSETS.items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                attempt.bind((HOST, port + offset))
            except OSError:
                raise click.ClickException(
                    f"Port {port + offset} is in use (the demo's {part}). Stop what uses it or "
                    f"run make demo PORT={port + 100}"
                ) from None


def refuse_unreachable_folder(folder: Path) -> None:
    """PostgreSQL refuses to run as root, so root's demo runs it as `nobody`."""
    if len(str(folder)) > _LONGEST_FOLDER:
        raise click.ClickException(
            f"{folder} is too long a path for PostgreSQL's socket. Give a shorter --data-dir."
        )
    closed = [above for above in folder.parents if above.exists() and not above.stat().st_mode & 1]
    if os.geteuid() == 0 and closed:
        raise click.ClickException(
            f"{closed[-1]} is closed to other users, and PostgreSQL runs as one. Give another "
            "--data-dir."
        )
