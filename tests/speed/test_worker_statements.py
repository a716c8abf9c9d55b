"""How often the worker asks PostgreSQL for one plan: each round trip is most of what it costs."""

import pytest

from amends import clock
from amends.flow import advance
from amends.models import Case
from amends.rules.workflow import Status
from tests.flow.test_work_on import approved_rebill
from tests.speed.counting import statements

# Without BEGIN and COMMIT of its eight transactions and without the queue's own.
MOST = 75


@pytest.mark.usefixtures("fresh_db")
async def test_a_refund_and_a_new_charge_take_few_statements() -> None:
    made = await approved_rebill()
    with statements() as seen:
        await advance.work_on(made.case.id)
    assert (await Case.get(id=made.case.id)).status is Status.RESOLVED
    assert len(seen) <= MOST, "\n".join(str(each)[:110] for each in seen)
    clock.use()
