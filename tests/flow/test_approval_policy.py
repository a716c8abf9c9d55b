"""The whole policy, as a table: who may decide which plan, for every role, amount and reason."""

from itertools import product

import pytest

from amends.rules import policy
from amends.rules.money import Money
from amends.rules.people import Role, Staff
from amends.rules.plan import Outcome
from amends.rules.policy import Policy
from amends.rules.workflow import Kind, Reason

AMOUNTS = (499_99, 500_00, 500_01)
ANY_OF_THE_DESK = {Role.AGENT, Role.LEAD, Role.MANAGER}
REASONS: tuple[Reason | None, ...] = (None, *Reason)


def written(outcome: Outcome, kind: Kind, reason: Reason | None, cents: int) -> set[Role]:
    """The rules as the two source documents write them, from the strictest on."""
    if outcome is Outcome.CREDIT:
        return {Role.ACCOUNT_MANAGER, Role.MANAGER}
    if reason is Reason.NOT_RECOGNISED:
        return {Role.SECURITY, Role.MANAGER}
    if outcome in {Outcome.REBILL, Outcome.RECHARGE, Outcome.CANCELLATION}:
        return {Role.MANAGER}
    if kind is Kind.CANCELLATION or reason is Reason.MODULE_UNUSED:
        return {Role.MANAGER}
    return ANY_OF_THE_DESK if cents <= 500_00 else {Role.LEAD, Role.MANAGER}


@pytest.mark.parametrize(("outcome", "cents"), list(product(Outcome, AMOUNTS)))
def test_every_plan_goes_to_the_roles_that_are_written(outcome: Outcome, cents: int) -> None:
    for kind, reason, role in product(Kind, REASONS, Role):
        route = policy.route(outcome, kind, reason, Money(cents, "usd"), Policy())
        person = Staff(1, "Kim", "kim@amends.example", frozenset({role}))
        verdict = policy.may_decide(person, route, frozenset({2}))
        expected = role in written(outcome, kind, reason, cents)
        assert isinstance(verdict, policy.Allowed) is expected, (kind, reason, role)


@pytest.mark.parametrize(("outcome", "role"), list(product(Outcome, Role)))
def test_nobody_decides_what_they_prepared(outcome: Outcome, role: Role) -> None:
    person = Staff(7, "Kim", "kim@amends.example", frozenset({role, Role.MANAGER}))
    for kind, reason, cents in product(Kind, REASONS, AMOUNTS):
        route = policy.route(outcome, kind, reason, Money(cents, "usd"), Policy())
        verdict = policy.may_decide(person, route, frozenset({7}))
        assert isinstance(verdict, policy.Refused)
        assert "someone else has to approve it" in verdict.reason


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_route_says_why(outcome: Outcome) -> None:
    for kind, reason, cents in product(Kind, REASONS, AMOUNTS):
        route = policy.route(outcome, kind, reason, Money(cents, "usd"), Policy())
        assert route.why and route.sentence.startswith("Needs ") and route.sentence.endswith(".")


def test_a_rebill_needs_a_manager_from_the_first_cent() -> None:
    route = policy.route(
        Outcome.REBILL, Kind.REBILL, Reason.SHIPPING_DELAY, Money(1, "usd"), Policy()
    )
    assert route.roles == {Role.MANAGER}


@pytest.mark.parametrize(
    ("currency", "at", "over"),
    [("jpy", 75_000, 75_001), ("kwd", 150_000, 150_001), ("gbp", 400_00, 400_01), ("sek", 0, 1)],
)
def test_each_currency_has_its_own_limit_and_none_means_zero(
    currency: str, at: int, over: int
) -> None:
    def roles(minor: int) -> frozenset[Role]:
        amount = Money(minor, currency)
        reason = Reason.DUPLICATE
        return policy.route(Outcome.REFUND, Kind.DISPUTE, reason, amount, Policy()).roles

    assert roles(at) == ANY_OF_THE_DESK
    assert roles(over) == {Role.LEAD, Role.MANAGER}


@pytest.mark.parametrize("role", list(Role))
def test_who_may_prepare(role: Role) -> None:
    person = Staff(1, "Kim", "kim@amends.example", frozenset({role}))
    works = {Role.AGENT, Role.LEAD, Role.MANAGER, Role.SECURITY, Role.ACCOUNT_MANAGER}
    for reason in REASONS:
        verdict = policy.may_prepare(person, reason)
        secret = reason is Reason.NOT_RECOGNISED
        expected = role in ({Role.SECURITY, Role.MANAGER} if secret else works)
        assert isinstance(verdict, policy.Allowed) is expected, reason
