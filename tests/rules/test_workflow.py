"""Every (status, action) pair is decided, and the decision is drawn in docs/WORKFLOW.md."""

from itertools import product
from pathlib import Path

import pytest

from amends.rules import due, workflow
from amends.rules.workflow import Action, Status

DOC = Path(__file__).parents[2] / "docs" / "WORKFLOW.md"


def drawn() -> str:
    """The table as the document shows it."""
    head = "| From | Action | To |\n|---|---|---|\n"
    rows = [
        f"| {origin} | {action} | {target} |"
        for (origin, action), target in sorted(workflow.MOVES.items())
    ]
    return head + "\n".join(rows) + "\n"


@pytest.mark.req("V8.1.2", "V2.1.2")
def test_the_document_shows_exactly_this_table() -> None:
    assert drawn() in DOC.read_text(), "run: python -m tests.rules.draw_workflow"


@pytest.mark.req("V2.3.1")
@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_pair_is_decided(status: Status, action: Action) -> None:
    target = workflow.target(status, action)
    assert (target is not None) == (action in workflow.actions_from(status))
    if target is not None:
        assert isinstance(target, Status)


def test_money_moves_only_after_an_approval() -> None:
    reached_without = _reachable({Status.DRAFT}, without={Action.APPROVE})
    assert not reached_without & (workflow.EXECUTING - {Status.AUDITING})
    assert Status.REFUNDING not in reached_without


def test_the_new_card_is_charged_only_after_confirmed_refunds_or_a_new_approval() -> None:
    into = {origin for (origin, _), to in workflow.MOVES.items() if to is Status.RECHARGING}
    assert into == {Status.APPROVED, Status.REFUNDED, Status.NEEDS_AUTHENTICATION}


def test_every_state_but_a_draft_can_be_left_or_is_final() -> None:
    for status in Status:
        if status not in workflow.FINAL:
            assert workflow.actions_from(status), status


def test_every_open_state_can_be_locked_by_the_bank() -> None:
    for status in workflow.OPEN - {Status.LOCKED_CHARGEBACK}:
        assert workflow.target(status, Action.LOCK_CHARGEBACK) is Status.LOCKED_CHARGEBACK


def test_every_open_state_has_a_date_by_which_somebody_acts() -> None:
    assert set(due.STAFF_DAYS) == set(workflow.OPEN)


@pytest.mark.parametrize("status", sorted(workflow.EXECUTING))
def test_a_withdrawal_is_too_late_once_approved(status: Status) -> None:
    assert workflow.target(status, Action.WITHDRAW) is None


def _reachable(start: set[Status], without: set[Action]) -> set[Status]:
    found, todo = set(start), list(start)
    while todo:
        here = todo.pop()
        for (origin, action), to in workflow.MOVES.items():
            if origin is here and action not in without and to not in found:
                found.add(to)
                todo.append(to)
    return found
