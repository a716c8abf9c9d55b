"""Runs the sandbox: python -m sandbox --port 8702 --state /tmp/sandbox."""

import json
import socket
from pathlib import Path
from typing import Any

import click
import uvicorn

from sandbox import app
from sandbox.config import HOST, SandboxConfig, read_customers
from sandbox.control.links import CUSTOMERS


@click.command()
@click.option("--port", default=8702, help="0 lets the system choose.")
@click.option("--smtp-port", default=8725, help="0 lets the system choose.")
@click.option(
    "--state", type=click.Path(path_type=Path), required=True, help="A folder of its own."
)
@click.option("--portal-url", default=SandboxConfig.portal_url)
@click.option("--desk-url", default=SandboxConfig.desk_url)
@click.option("--webhook-url", default="", help="The application's address for Stripe events.")
@click.option("--webhook-secret", default=SandboxConfig.webhook_secret)
@click.option("--oidc-client-id", default=SandboxConfig.oidc_client_id)
@click.option("--oidc-client-secret", default=SandboxConfig.oidc_client_secret)
@click.option("--inbox-port", default=0, help="Where the application takes mail, on this machine.")
@click.option("--inbox-address", default=SandboxConfig.inbox_address)
@click.option("--country", default=SandboxConfig.country, help="Whose business days.")
@click.option("--time-zone", default=SandboxConfig.time_zone)
@click.option("--customers", type=click.Path(exists=True, path_type=Path), default=None)
def main(port: int, state: Path, customers: Path | None, **rest: Any) -> None:
    """The outside world of Amends on this machine. Loopback only; nothing here is real."""
    listening = _listen(port)
    config = SandboxConfig(
        state_dir=state,
        port=listening.getsockname()[1],
        customers=read_customers(customers) if customers else CUSTOMERS,
        **rest,
    )
    _serve(config, listening)


def _serve(config: SandboxConfig, listening: socket.socket) -> None:
    neighbours = app.outside(config)
    addresses = {"url": config.url, "smtp_port": neighbours.mail.port}
    # One line for whoever started this; it can connect when /healthz answers.
    click.echo(json.dumps(addresses))
    server = uvicorn.Server(
        uvicorn.Config(
            app.compose(config, neighbours),
            log_level="warning",
            server_header=False,
            # An open mail frame or a lost answer must not keep the process alive.
            timeout_graceful_shutdown=3,
        )
    )
    server.run(sockets=[listening])


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port))
    return listening


if __name__ == "__main__":
    main(auto_envvar_prefix="SANDBOX")
