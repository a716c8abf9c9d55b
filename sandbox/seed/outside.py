"""What came in from outside, nobody having signed in: banks that acted, and emails."""

from amends import reply_address
from amends.flow import correspondence, disputes
from amends.gateways import inbox_reading, stripe
from amends.models import Case
from sandbox.mailbox.compose import Draft, Inbox, build
from sandbox.seed.stage import Stage

_GATEWAY = "mx.amends.example"


async def banks(stage: Stage) -> None:
    """One bank took a charge back, another only asks; Stripe told us of both."""
    for number, ago in (("SO-10334", 3), ("SO-10485", 2)):
        stage.at(ago=ago, hour=11.0)
        charge = stage.past.charges[number, 0]
        for seen in await stripe.disputes_of(charge["id"]):
            await disputes.take(seen)
        for case in await Case.filter(claimed_order=number, channel="stripe"):
            await stage.work(case)


async def emails(stage: Stage) -> None:
    """An answer that could be anybody's, a request begun by email, and a stranger."""
    stage.hours_ago(3)
    waiting = await Case.get(claimed_order="SO-10433")
    await _take(
        stage,
        Draft(
            "hello@riverbendyoga.example",
            reply_address.signed(waiting.ref),
            f"Re: {waiting.ref}",
            "It was switched on by mistake at our second studio. Nobody trained with it.\n\n"
            "Maya Lindholm",
        ),
    )
    await _take(
        stage,
        Draft(
            "billing@harborfitness.example",
            stage.settings.support_address,
            "Please use another card",
            "Hello, our bookkeeper asks for order SO-10482 to be on the company's new card.\n\n"
            "Priya Raman",
            dmarc="pass",
        ),
    )
    await _take(
        stage,
        Draft(
            "jo@lakeviewpilates.example",
            stage.settings.support_address,
            "Refund for our scanner",
            "We bought a scanner from a gym that bought it from you. Can you refund us?",
            dmarc="pass",
        ),
    )
    await stage.send_post()


async def _take(stage: Stage, draft: Draft) -> None:
    """Through the same code as `amends inbox`, gateway's verdict and all."""
    inbox = Inbox("127.0.0.1", 25, stage.settings.support_address, _GATEWAY)
    raw = build(draft, inbox, stage.clock.now()).as_bytes()
    mail = inbox_reading.read(raw, draft.sender, [draft.to], _GATEWAY)
    await correspondence.take(mail)
