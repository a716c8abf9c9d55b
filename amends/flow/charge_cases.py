"""Which cases have to do with a charge: they move its money, charged it, or ask about it."""

from amends.models import Case, Deposit, Leg
from amends.rules import workflow
from amends.rules.workflow import Status

REOPENED_BY_A_DISPUTE = (Status.RESOLVED, Status.DECLINED)


async def cases_on(charge_id: str) -> list[Case]:
    """The open ones."""
    ids = await _ids(charge_id)
    return await Case.filter(id__in=ids, status__in=list(workflow.OPEN)).order_by("id")


async def newest_closed(charge_id: str) -> Case | None:
    """The last closed one that a dispute opens again: its papers are the evidence."""
    closed = Case.filter(id__in=await _ids(charge_id), status__in=REOPENED_BY_A_DISPUTE)
    return await closed.order_by("-id").first()


async def _ids(charge_id: str) -> list[int]:
    legs = await Leg.filter(charge_id=charge_id).values_list("case_id", flat=True)
    charged = await Leg.filter(result_charge_id=charge_id).values_list("case_id", flat=True)
    deposit = await Deposit.get_or_none(charge_id=charge_id)
    asked: list[int] = []
    if deposit is not None:
        asked = [
            case.id
            for case in await Case.filter(order_id=deposit.order_id)
            if not case.deposit_ids or deposit.id in case.deposit_ids
        ]
    return [int(str(each)) for each in {*legs, *charged, *asked}]
