"""`amends check`: is everything there that Amends needs?"""

import asyncio
import sys
from functools import partial

import click

from amends.commands import environment, probe_stripe, probes
from amends.commands.probes import Finding
from amends.rights import Process
from amends.settings import Settings


@click.command()
@click.option(
    "--for",
    "process",
    type=click.Choice([process.value for process in probe_stripe.ASKED]),
    default=Process.WORKER.value,
    show_default=True,
    help="Whose Stripe key this is: only the worker's may move money.",
)
def command(process: str) -> None:
    """Look at the settings and at every neighbour. Ends with 1 if one is not ok."""
    findings = asyncio.run(_look(environment.load(), Process(process)))
    for finding in findings:
        note = f" ({finding.note})" if finding.note else ""
        click.echo(f"{finding.name:<9} {'ok' + note if finding.ok else finding.todo}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


async def _look(settings: Settings, process: Process) -> list[Finding]:
    wanted: dict[str, probes.Probe] = {
        "settings": partial(probes.settings_complete, process=process),
        "database": probes.database_current,
        "rights": partial(probes.process_rights, process=process),
        "stripe": partial(probe_stripe.stripe_key, process=process),
        "mail": probes.mail_server,
        "sign-in": probes.identity_provider,
        "files": probes.files_store,
        "anchors": probes.history_anchors,
    }
    looks = (probes.look(probe, settings, name) for name, probe in wanted.items())
    return await asyncio.gather(*looks)
