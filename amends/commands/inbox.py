"""`amends inbox`: takes customers' mail from the company's mail gateway."""

import asyncio
import ipaddress
import signal

import click
import structlog

from amends import database, reply_address
from amends.commands import environment
from amends.flow import correspondence
from amends.gateways import inbox
from amends.rights import Process
from amends.settings import Settings
from web import logs

_CONNECTIONS = 8
log = structlog.get_logger(__name__)


class _Network(click.ParamType[inbox.Network]):
    name = "network"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> inbox.Network:
        try:
            return ipaddress.ip_network(value)
        except ValueError:
            self.fail(f"{value} is no address or network like 10.0.0.5 or 10.0.0.0/24", param, ctx)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=2525, show_default=True)
@click.option(
    "--lmtp", "wire", flag_value="lmtp", default="smtp", help="Speak LMTP instead of SMTP."
)
@click.option(
    "--relay",
    "relays",
    type=_Network(),
    multiple=True,
    default=inbox.LOOPBACK,
    envvar="AMENDS_MAIL_RELAYS",
    help="Our mail gateway: only it may connect. Default: this machine. Repeatable.",
)
def command(host: str, port: int, wire: str, relays: tuple[inbox.Network, ...]) -> None:
    """Take mail to the support address: replies join their request, others begin one.

    Runs behind the company's mail gateway, whose verdict on senders (AMENDS_MAIL_AUTHSERV_ID) is
    believed. SIGTERM and Ctrl-C let the mails under way be stored first.
    """
    settings = environment.load_for(Process.INBOX)
    logs.configure()
    takes = inbox.Inbox(
        correspondence.take, reply_address.is_ours, settings.mail_authserv_id, relays
    )
    asyncio.run(_run(settings, inbox.Listener(takes, inbox.Wire(wire)), host, port))


async def _run(settings: Settings, listener: inbox.Listener, host: str, port: int) -> None:
    await database.connect(settings, _CONNECTIONS, Process.INBOX)
    try:
        bound = await listener.start(host, port)
        log.info("inbox is listening", host=host, port=bound)
        await _asked_to_stop()
        await listener.stop()
    finally:
        await database.disconnect()


async def _asked_to_stop() -> None:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()
