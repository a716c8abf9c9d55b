"""Requests that wait for one more person: a second manager, or the customer at their bank."""

from amends.models import Case
from amends.rules.plan import Outcome
from amends.rules.workflow import Kind, Reason
from sandbox.seed import asking
from sandbox.seed.asking import Request
from sandbox.seed.stage import Stage


async def for_a_second_approval(stage: Stage) -> Case:
    """Over the second limit: Dana has approved, nothing is sent before Ruth has as well."""
    stage.at(ago=2, hour=16.2)
    case = await asking.file(
        stage,
        Request(
            "nr-0519", "SO-10472", Kind.REBILL, Reason.CARD_NOT_ACCESSIBLE, "7726",
            "Our treasurer left and took the card along. Please charge the club's new one.",
            card="saved",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=13.1)
    case = await asking.check(stage, case, "sam.ito")
    why = "One deposit, on file. New card saved; same customer at Stripe."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.REBILL, why)
    stage.hours_ago(5)
    return await asking.approve_once(stage, plan, "dana.cole", "Amounts and cards fit")


async def for_the_customers_bank(stage: Stage) -> Case:
    """The deposit of an order that has not shipped went back; the new card's bank asks."""
    stage.at(ago=2, hour=17.0)
    case = await asking.file(
        stage,
        Request(
            "ry-0356", "SO-10497", Kind.REBILL, Reason.CARD_NOT_PREFERRED, "3310",
            "Please take the deposit from our studio's new card.", card="asks",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=10.6)
    case = await asking.check(stage, case, "sam.ito")
    why = "Not shipped and paid by half; it ships only when all is paid. The customer knows."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.REBILL, why)
    stage.at(ago=1, hour=15.2)
    return await stage.work(await asking.approve(stage, plan, "dana.cole", ""))
