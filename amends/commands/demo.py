"""`amends demo`: everything on this machine, the outside world included."""

import asyncio
import fcntl
import io
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
import psycopg

from amends import database, embedded, migrate
from amends.commands import demo_keeper, demo_moved, demo_page, demo_plan
from amends.commands.demo_children import Children, Failed, Stop, Stopped, answers
from amends.commands.demo_plan import Plan

_DOORS = ("portal", "backoffice")
_PATIENCE_S = 90
_SERVED = ("sandbox", *_DOORS)


@click.command()
@click.option("--port", type=click.IntRange(1024, 65500), default=8700, show_default=True)
@click.option("--reset", is_flag=True, help="Forget everything that happened in the demo.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: embedded.default_folder() / "demo",
    help="Where the demo keeps its data.",
)
def command(port: int, reset: bool, data_dir: Path) -> None:
    """Start portal, back office, worker and a pretend outside world, with a shop's data."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names of all scripts, on any terminal
    plan = Plan(data_dir.resolve(), port)
    started = time.monotonic()
    demo_plan.refuse_without_sandbox()
    demo_plan.refuse_taken_ports(port)
    demo_plan.refuse_unreachable_folder(plan.folder)
    plan.folder.mkdir(parents=True, exist_ok=True)
    stop = Stop()
    stop.listen()
    with _alone(plan):
        if reset or not plan.seeded.exists():
            # A start that was stopped half way leaves half a shop; begin again.
            _forget(plan)
        with demo_keeper.watching(plan.postgres):
            code = _run(plan, stop, started)
    sys.exit(code)


def _run(plan: Plan, stop: Stop, started: float) -> int:
    click.echo(f"Starting the demo in {plan.folder}")
    # A power cut may cost the demo its last half second; nothing else is less safe.
    server = embedded.start(plan.postgres, "synchronous_commit=off")
    children = Children(plan, stop)
    try:
        _start(plan, children, server)
        click.echo(demo_page.text(plan, time.monotonic() - started))
        children.watch()
    except Stopped:
        click.echo("Stopping.")
    except Failed as failure:
        click.echo(str(failure), err=True)
        return 1
    finally:
        children.end()
        server.leave()
    return 0


def _start(plan: Plan, children: Children, server: embedded.Server) -> None:
    """What does not wait for something else starts at once: imports take most of the time."""
    embedded.create_database(server, "amends")
    database.make_logins(server)
    url = server.url()
    seeded = plan.seeded.exists()
    if seeded:
        children.start("sandbox", server)
    for door in _DOORS:
        children.start(door, server)
    asyncio.run(migrate.run(url))
    demo_moved.move_people(plan, url)
    if not seeded:
        _seed(plan, children, server)
        children.start("sandbox", server)
    children.start("worker", server)
    children.start("inbox", server)
    for part in _SERVED:
        children.wait_for(partial(answers, f"{plan.url(part)}/healthz"), _PATIENCE_S, part)
    demo_moved.drop_old_endpoints(plan)
    children.wait_for(partial(_is_working, url), _PATIENCE_S, "worker")
    children.wait_for(partial(_accepts, plan.port_of("inbox")), _PATIENCE_S, "inbox")


def _seed(plan: Plan, children: Children, server: embedded.Server) -> None:
    click.echo("Filling it with a shop's past")
    children.finish(children.start("seed", server))
    plan.seeded.touch()


def _accepts(port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((demo_plan.HOST, port)) == 0


def _is_working(url: str) -> bool:
    """A worker writes itself down once its queue is open."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '20 s'"
        ).fetchone()
    return found is not None


@contextmanager
def _alone(plan: Plan) -> Iterator[None]:
    """One demo per folder."""
    with (plan.folder / "demo.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"A demo runs in {plan.folder} already. Stop it, or give another --data-dir."
            ) from None
        yield


def _forget(plan: Plan) -> None:
    """Delete what the demo made, and only that."""
    if (plan.postgres / "data" / "postmaster.pid").exists():
        embedded.start(plan.postgres).leave()
    for name in ("postgres", "sandbox", "files", "logs"):
        shutil.rmtree(plan.folder / name, ignore_errors=True)
    for path in (plan.people, plan.seeded, plan.folder / "secrets.json"):
        path.unlink(missing_ok=True)
