"""How one sandbox is set up: ports, folders, and what it knows of the application."""

import json
from dataclasses import dataclass
from pathlib import Path

from sandbox.control.links import CUSTOMERS, Customer, Links
from sandbox.mailbox import Inbox

HOST = "127.0.0.1"


@dataclass(frozen=True)
class SandboxConfig:
    """Everything has a default that `amends demo` can start with."""

    state_dir: Path
    port: int = 8702
    smtp_port: int = 0
    portal_url: str = "http://127.0.0.1:8700"
    desk_url: str = "http://127.0.0.1:8701"
    webhook_url: str = ""
    webhook_secret: str = "whsec_sandbox"
    oidc_client_id: str = "amends"
    oidc_client_secret: str = "sandbox"
    oidc_redirect_path: str = "/sign-in/callback"
    oidc_backchannel_path: str = "/sign-out/backchannel"
    inbox_port: int = 0
    inbox_address: str = "support@amends.example"
    country: str = "US"
    time_zone: str = "America/New_York"
    seed: int = 1
    customers: tuple[Customer, ...] = CUSTOMERS

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def clock_file(self) -> Path:
        return self.state_dir / "clock.json"

    @property
    def links(self) -> Links:
        return Links(self.portal_url, self.desk_url, self.customers)

    @property
    def inbox(self) -> Inbox | None:
        if not self.inbox_port:
            return None
        return Inbox(HOST, self.inbox_port, self.inbox_address)


def read_customers(path: Path) -> tuple[Customer, ...]:
    """A JSON list of objects: name, organisation, email, what_to_try."""
    return tuple(Customer(**entry) for entry in json.loads(path.read_text()))
