"""`amends serve`: one of the two doors, under uvicorn."""

import asyncio

import click
import uvicorn

from amends.commands import environment, probe_stripe
from amends.rights import Process
from web import logs

_PORTS = {"portal": 8700, "backoffice": 8701}
# A page that polls or streams would keep the process alive for ever; ten seconds end it.
_GRACE_S = 10
# uvicorn has no time limit for slow senders: a bound on connections keeps others able to answer.
_MOST_CONNECTIONS = 200


@click.command()
@click.argument("door", type=click.Choice(list(_PORTS)))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: portal 8700, desk 8701.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option(
    "--trusted-proxy",
    multiple=True,
    envvar="AMENDS_TRUSTED_PROXIES",
    help="IP of a proxy whose X-Forwarded-For and -Proto are believed. Repeatable.",
)
def command(
    door: str, host: str, port: int | None, workers: int, trusted_proxy: tuple[str, ...]
) -> None:
    """Serve the customers' portal or the back office."""
    known = environment.load_for(Process(door))
    if refusal := asyncio.run(probe_stripe.moves_money(known, Process(door))):
        raise click.ClickException(refusal)
    logs.configure()
    uvicorn.run(
        f"{door}.app:app",
        host=host,
        port=port or _PORTS[door],
        workers=workers,
        http="httptools",
        loop="uvloop",
        # A door that cannot reach its database says so and ends, instead of serving errors.
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
        limit_concurrency=_MOST_CONNECTIONS,
        server_header=False,
        date_header=True,
        proxy_headers=bool(trusted_proxy),
        forwarded_allow_ips=list(trusted_proxy) or None,
        access_log=False,
        # Uvicorn's own lines go the way of all others: masked, one JSON object each.
        log_config=None,
        log_level="warning",
    )
