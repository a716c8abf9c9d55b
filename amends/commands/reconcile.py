"""`amends reconcile`: does everything at Stripe agree with our rows, to the cent?"""

import asyncio
import sys
from collections.abc import Iterator

import click

from amends import clock, database, reconcile
from amends.commands import environment
from amends.gateways import stripe
from amends.reconcile.report import Report
from amends.rules.money import Money, format_money
from amends.settings import Settings

_DAY_S = 86_400


@click.command()
def command() -> None:
    """Compare Stripe with our rows and our ledger since go-live.

    Ends with 0 when all agrees, 1 with differences (they are on the exceptions desk), 2 when
    Stripe did not answer or another reconciliation is at work; run it again then, it goes on
    where it was.
    """
    try:
        report = asyncio.run(_run(environment.load()))
    except (reconcile.Busy, stripe.StripeError) as error:
        click.echo(f"Not finished: {error}", err=True)
        sys.exit(2)
    for line in lines(report):
        click.echo(line)
    sys.exit(0 if report.agrees else 1)


async def _run(settings: Settings) -> Report:
    stripe.configure(settings)
    await database.connect(settings, 4)
    try:
        return await reconcile.run()
    finally:
        await database.disconnect()


def lines(report: Report) -> Iterator[str]:
    """The report as a small table."""
    yield f"Stripe from {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield f"{'':<22}{'read':>9}{'ours':>9}{'matched':>9}"
    for subject, count in report.counts.items():
        yield f"{subject:<22}{count.read:>9,}{count.ours:>9,}{count.matched:>9,}"
    yield ""
    yield from _sums(report)
    yield from _differences(report)


def _sums(report: Report) -> Iterator[str]:
    yield f"{'':<22}{'at Stripe':>18}{'in our ledger':>18}"
    for currency, sums in sorted(report.sums.items()):
        pairs = (
            ("refunded", sums.refunded_at_stripe, sums.refunded_in_ledger),
            ("charged", sums.charged_at_stripe, sums.charged_in_ledger),
            ("credited", sums.credited_at_stripe, sums.credited_in_ledger),
        )
        for name, theirs, ours in pairs:
            if theirs or ours:
                shown = f"{_money(theirs, currency):>18}{_money(ours, currency):>18}"
                yield f"{currency.upper() + ' ' + name:<22}{shown}"
        yield f"{currency.upper() + ' fees':<22}{_money(sums.fees, currency):>18}"
        if sums.disputed:
            yield f"{currency.upper() + ' disputed':<22}{_money(sums.disputed, currency):>18}"
    yield ""


def _money(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency))


def _differences(report: Report) -> Iterator[str]:
    if report.repaired or report.settled or report.explained:
        yield (
            f"{report.repaired} brought up to date, {report.settled} settled, "
            f"{report.explained} explained by a person before"
        )
    if report.agrees:
        yield "No differences."
        return
    for each in report.open:
        days = int((clock.now() - each.oldest).total_seconds() // _DAY_S)
        age = "today" if days < 1 else f"{days} days"
        yield f"{each.kind.replace('_', ' '):<26}{each.number:>5}   oldest: {age}"
    number = report.differences
    yield f"{number} difference{'s' if number > 1 else ''}, on the exceptions desk."
