"""Every state a case or a movement can be in has words, and the words keep the rules."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from amends.queries.customer_rows import CardRow, CasePage, CaseRow, LegRow
from amends.rules.business_days import Calendar
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action, Kind, Reason, Status
from portal import headline, money_path, words
from portal.dates import Days
from portal.money_path import Phase

NEW_YORK = ZoneInfo("America/New_York")
TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
DAYS = Days(date(2026, 11, 24), Calendar("US"), NEW_YORK)
AMEX, VISA = CardRow("amex", "credit", "1005"), CardRow("visa", "debit", "4242")
NEW = CardRow("mastercard", "credit", "5454")
SENT = frozenset(set(Status) - {Status.DRAFT})
# What only staff may read; a customer's page never says it.
INTERNAL = re.compile(
    r"\$500|lead\b|potential fraud|fraud|security team|goodwill|escalat|\bpi_|\bch_|\bpm_|\bcus_|"
    r"chargeback desk|recharge|\bleg\b|\btriage|idempot|unknown",
    re.IGNORECASE,
)


def leg(kind: LegKind, state: LegState, card: CardRow = AMEX, **changes: object) -> LegRow:
    done = state is LegState.SUCCEEDED
    plain = LegRow(
        case_id=1, plan_approved=True, outcome=Outcome.REBILL,
        kind=kind, state=state, amount_minor=1200_00, currency="usd",
        charge_id="ch_1" if kind is LegKind.REFUND else "", card=card,
        refund_id="re_1" if done else "", pending_reason="", bank_reference="",
        next_action_url="",
        confirmed_at=TUESDAY if done else None,
        failed_at=TUESDAY if state is LegState.FAILED else None,
    )  # fmt: skip
    return replace(plain, **changes)


def page(status: Status, *legs: LegRow, kind: Kind = Kind.REBILL, **changes: object) -> CasePage:
    case = CaseRow(
        id=1, ref="RB-2417", kind=kind, reason=Reason.SHIPPING_DELAY, status=status,
        order="SO-10482", currency="usd", claimed_amount_minor=2000_00, card=NEW,
        card_saved_at=TUESDAY - timedelta(days=4), outcome_reason="",
        submitted_at=TUESDAY - timedelta(days=4), closed_at=None, legs=legs,
    )  # fmt: skip
    moved = dict.fromkeys(Action, TUESDAY) if legs else {}
    moved.pop(Action.FINISH_AUDIT, None)
    found = CasePage(case, "1005", "", None, None, "billing@harborfitness.example", moved,
                     (), (), ())  # fmt: skip
    return replace(found, case=replace(case, **changes))


def said(found: CasePage) -> str:
    """Everything the head and the path say."""
    head = headline.head(found, DAYS)
    parts = [head.words.headline, head.words.state, head.words.todo, head.about]
    parts += [text for each in head.expect for text in (each.sentence, each.why)]
    for step in money_path.steps(found, DAYS):
        parts += [step.title, step.text, step.when]
        for line in step.legs:
            parts += [line.card, line.words.state, line.words.more]
    return " | ".join(part for part in parts if part)


def test_every_status_has_words() -> None:
    assert set(words.STATUS) == set(Status)


def test_every_movement_in_every_state_has_words() -> None:
    assert set(words.LEG) == set(product(LegKind, LegState))


def test_every_kind_has_words() -> None:
    assert set(words.KINDS) == set(Kind)


@pytest.mark.parametrize("status", sorted(SENT))
def test_every_status_of_every_kind_makes_a_page(status: Status) -> None:
    for kind in Kind:
        told = said(page(status, kind=kind))
        assert len(told) > 40 and not INTERNAL.search(told), told


@pytest.mark.parametrize("status", sorted(SENT))
def test_every_status_with_every_movement_makes_a_page(status: Status) -> None:
    for refund, recharge in product(LegState, [None, *LegState]):
        legs = [leg(LegKind.REFUND, refund), leg(LegKind.REFUND, LegState.PENDING, VISA)]
        if recharge is not None:
            legs.append(leg(LegKind.RECHARGE, recharge, NEW))
        told = said(page(status, *legs))
        assert not INTERNAL.search(told), told
        assert "successful" not in told and "!" not in told


@pytest.mark.parametrize("state", list(LegState))
@pytest.mark.parametrize("kind", [LegKind.CREDIT, LegKind.END_SUBSCRIPTION])
def test_credits_and_ended_subscriptions_make_a_page(kind: LegKind, state: LegState) -> None:
    outcome = Outcome.CREDIT if kind is LegKind.CREDIT else Outcome.CANCELLATION
    for status in (Status.APPROVED, Status.AUDITING, Status.RESOLVED):
        told = said(page(status, leg(kind, state, outcome=outcome), kind=Kind.CANCELLATION))
        assert not INTERNAL.search(told), told


def test_a_refund_that_is_not_sent_has_no_dates() -> None:
    for state in set(LegState) - {LegState.SUCCEEDED}:
        told = said(page(Status.REFUNDING, leg(LegKind.REFUND, state)))
        assert "Dec" not in told, (state, told)


def test_each_card_has_its_own_dates_and_the_headline_the_latest() -> None:
    later = leg(LegKind.REFUND, LegState.SUCCEEDED, VISA, charge_id="ch_2",
                confirmed_at=TUESDAY + timedelta(days=1))  # fmt: skip
    found = page(Status.REFUNDED, leg(LegKind.REFUND, LegState.SUCCEEDED), later)
    lines = [line for step in money_path.steps(found, DAYS) for line in step.legs]
    assert "Dec 2 to Dec 9" in lines[0].words.more and "Dec 3 to Dec 10" in lines[1].words.more
    head = headline.head(found, DAYS)
    assert "between Thu, Dec 3 and Thu, Dec 10" in head.expect[0].sentence
    assert "Thanksgiving (Nov 26)" in head.expect[0].why


def test_two_refunds_on_their_way_are_counted() -> None:
    both = [leg(LegKind.REFUND, LegState.SUCCEEDED),
            leg(LegKind.REFUND, LegState.SUCCEEDED, VISA, charge_id="ch_2")]  # fmt: skip
    assert headline.state(page(Status.REFUNDING, *both).case).headline == (
        "Your refund is on its way to two cards"
    )


def test_one_of_two_on_its_way_is_said_as_a_part() -> None:
    legs = [leg(LegKind.REFUND, LegState.SUCCEEDED), leg(LegKind.REFUND, LegState.PENDING, VISA)]
    found = page(Status.REFUNDING, *legs)
    assert headline.state(found.case).headline == "A part of your refund is on its way"
    assert "has no dates" in said(found)


def test_the_trace_number_is_on_its_card() -> None:
    traced = leg(LegKind.REFUND, LegState.SUCCEEDED, bank_reference="74850126329001")
    line = money_path.leg_line(traced, DAYS)
    assert (line.trace, line.words.state) == ("74850126329001", "Refund confirmed")


def test_a_reversal_says_that_the_charge_disappears() -> None:
    back = leg(LegKind.REFUND, LegState.SUCCEEDED, pending_reason="reversal")
    assert "disappears from your statement" in money_path.leg_line(back, DAYS).words.more


def test_the_new_card_is_blocked_until_every_refund_is_confirmed() -> None:
    legs = [leg(LegKind.REFUND, LegState.SUCCEEDED), leg(LegKind.REFUND, LegState.PENDING, VISA),
            leg(LegKind.RECHARGE, LegState.PLANNED, NEW)]  # fmt: skip
    step = next(s for s in money_path.steps(page(Status.REFUNDING, *legs), DAYS)
                if s.title == "New card charged")  # fmt: skip
    assert step.phase is Phase.NEXT and step.when == "After both refunds are confirmed"
    assert "never charge it before the refund" in step.text


def test_a_newer_card_changes_what_is_to_be_done() -> None:
    legs = [leg(LegKind.REFUND, LegState.SUCCEEDED), leg(LegKind.RECHARGE, LegState.FAILED, NEW)]
    declined = page(Status.NEEDS_NEW_CARD, *legs)
    assert headline.state(declined.case).todo == "Add another card"
    saved = page(Status.NEEDS_NEW_CARD, *legs, card_saved_at=TUESDAY + timedelta(hours=1))
    assert headline.state(saved.case).todo == ""
    assert "is saved. A manager approves it" in said(saved)


@pytest.mark.req("A4")
def test_a_request_that_a_bank_began_does_not_say_that_the_customer_wrote() -> None:
    told = said(page(Status.LOCKED_CHARGEBACK, kind=Kind.CHARGEBACK, channel="stripe"))
    assert "Your bank began its process" in told and "Nobody wrote to us first" in told
    assert "We got your request" not in told and "you wrote" not in told


def test_late_refunds_are_spoken_of_as_late() -> None:
    old = leg(LegKind.REFUND, LegState.SUCCEEDED, confirmed_at=TUESDAY - timedelta(days=40))
    told = said(page(Status.RESOLVED, old))
    assert "should be on your statement by now" in told


def test_an_audit_counts_its_days() -> None:
    cancelled = page(
        Status.AUDITING, leg(LegKind.REFUND, LegState.PLANNED, outcome=Outcome.CANCELLATION),
        kind=Kind.CANCELLATION,
    )  # fmt: skip
    assert "day 0 of about 60 business days" in said(cancelled)
    refund = next(s for s in money_path.steps(cancelled, DAYS) if s.title == "Refund to your card")
    assert refund.phase is Phase.NEXT
    assert "Mar 2" in said(cancelled) and "Mar 9, 2027" in said(cancelled)


def test_a_broken_promise_is_not_repeated_with_its_old_date() -> None:
    late = page(Status.TRIAGE, submitted_at=TUESDAY - timedelta(days=9))
    assert "takes longer than we said" in said(late) and "by Mon" not in said(late)
