"""Charges that are wrong, and that Sam Ito has checked: taken twice, and after a cancellation."""

from amends.models import Case
from amends.rules.workflow import Kind, Reason
from sandbox.seed import asking
from sandbox.seed.asking import Request
from sandbox.seed.stage import Stage


async def charged_twice(stage: Stage) -> Case:
    """Both charges stand side by side on the case; only the second can be refunded."""
    stage.at(ago=7, hour=10.3)
    case = await asking.file(
        stage,
        Request(
            "lg-0417", "SO-10455", Kind.DISPUTE, Reason.DUPLICATE, "8812",
            "Our statement shows the posture module twice on one day, two minutes apart.",
            unlisted=1,
        ),
    )  # fmt: skip
    stage.hours_ago(26)
    return await asking.check(stage, case, "sam.ito")


async def after_cancellation(stage: Stage) -> Case:
    """The service ended before the charge: the days are counted, the plan says the same amount."""
    stage.at(ago=4, hour=11.4)
    case = await asking.file(
        stage,
        Request(
            "ss-0088", "SO-10390", Kind.DISPUTE, Reason.AFTER_CANCELLATION, "7731",
            "We cancelled the measuring service before it renewed, and were charged for a year.",
        ),
    )  # fmt: skip
    stage.hours_ago(25)
    return await asking.check(stage, case, "sam.ito")
