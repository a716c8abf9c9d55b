"""The plan: one digest over its exact bytes, and what a plan must satisfy."""

from dataclasses import replace

import pytest

from amends.rules import plan
from amends.rules.plan import Draft, LegKind, Outcome, PlannedLeg

AMEX = PlannedLeg("11111111-1111-4111-8111-111111111111", LegKind.REFUND, 120_000, "usd",
                  charge_id="ch_1", card_last4="1005", label="Deposit 1")  # fmt: skip
VISA = replace(AMEX, leg_id="22222222-2222-4222-8222-222222222222", amount_minor=80_000,
               charge_id="ch_2", card_last4="4242", label="Deposit 2")  # fmt: skip
NEW = PlannedLeg("33333333-3333-4333-8333-333333333333", LegKind.RECHARGE, 200_000, "usd",
                 payment_method_id="pm_1", customer_id="cus_1", card_fingerprint="f")  # fmt: skip
PLAN = Draft("RB-2417", 1, 1, Outcome.REBILL, "billing@harborfitness.example", (AMEX, VISA, NEW))


def test_it_reads_back_what_it_wrote() -> None:
    assert plan.read(PLAN.canonical()) == PLAN


@pytest.mark.req("T28", "V11.4.3")
@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, version=2),
        replace(PLAN, policy_version=2),
        replace(PLAN, recipient="someone@else.example"),
        replace(PLAN, case_ref="RB-2418"),
        replace(PLAN, rests_on=("11111111-1111-4111-8111-111111111111",)),
        replace(PLAN, legs=(VISA, AMEX, NEW)),
        replace(PLAN, legs=(AMEX, VISA, replace(NEW, amount_minor=199_999))),
        replace(PLAN, legs=(AMEX, VISA, replace(NEW, card_fingerprint="g"))),
        replace(PLAN, legs=(AMEX, VISA, replace(NEW, payment_method_id="pm_2"))),
        replace(PLAN, legs=(replace(AMEX, charge_id="ch_9"), VISA, NEW)),
    ],
)
def test_any_other_plan_has_another_digest(other: Draft) -> None:
    assert other.digest() != PLAN.digest()


def test_a_plan_of_another_schema_is_not_executed() -> None:
    with pytest.raises(ValueError, match="another version"):
        plan.read(PLAN.canonical().replace('"schema":1', '"schema":2'))


@pytest.mark.parametrize(
    ("legs", "words"),
    [
        ((), "moves nothing"),
        ((AMEX, replace(VISA, currency="eur")), "mixes currencies"),
        ((AMEX, replace(VISA, charge_id="ch_1")), "refunded twice"),
        ((replace(AMEX, amount_minor=0),), "above zero"),
        ((replace(AMEX, charge_id=""),), "needs the charge"),
        ((NEW, AMEX), "charged last"),
        ((AMEX, replace(NEW, payment_method_id="")), "not saved yet"),
        ((AMEX, NEW, NEW), "once"),
    ],
)
def test_it_says_what_is_wrong(legs: tuple[PlannedLeg, ...], words: str) -> None:
    assert any(words in problem for problem in plan.problems(replace(PLAN, legs=legs)))


def test_a_good_plan_has_no_problems() -> None:
    assert plan.problems(PLAN) == []
