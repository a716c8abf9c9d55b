"""The customer's answers, and what each of them changes on the draft. Pure but for the clock."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, assert_never

from amends import facts
from amends.flow.intake_steps import REASONS, Step
from amends.models import Case
from amends.rules import card_numbers
from amends.rules.money import Money, NotAnAmount, format_money, parse
from amends.rules.workflow import Kind, Reason

LONGEST_STORY = 8000
CARD_NUMBER = (
    "Take the card number out. We never need it: the last 4 digits are enough, and a new card "
    "is added on our payment provider's page"
)
_LAST4 = re.compile(r"[0-9]{4}")


@dataclass(frozen=True)
class OrderChosen:
    """One of the customer's own orders; `deposit_ids` are the payments it is about."""

    order_id: int
    number: str
    deposit_ids: tuple[int, ...]
    total_minor: int
    currency: str
    charged_on: date | None


@dataclass(frozen=True)
class ChargeChosen:
    """A charge that Stripe shows for this customer and no order of ours knows."""

    charge_id: str
    description: str
    amount_minor: int
    currency: str
    charged_on: date


@dataclass(frozen=True)
class OrderTyped:
    """An order that is not in the list. Text, until an agent finds it."""

    number: str


@dataclass(frozen=True)
class ReasonGiven:
    reason: Reason


@dataclass(frozen=True)
class AmountClaimed:
    """`part` is what was typed for a part of the charge; empty means all of it."""

    last4: str
    part: str
    bank: bool
    charged_on: date | None = None


@dataclass(frozen=True)
class TermsRead:
    pass


@dataclass(frozen=True)
class CardLater:
    """The new card is added later, on the request's page."""


@dataclass(frozen=True)
class StoryTold:
    story: str


Answer = (
    OrderChosen
    | ChargeChosen
    | OrderTyped
    | ReasonGiven
    | AmountClaimed
    | TermsRead
    | CardLater
    | StoryTold
)


@dataclass(frozen=True)
class Changes:
    """Columns to set on the draft, and entries of its `answers`."""

    columns: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, object] = field(default_factory=dict)
    done: tuple[Step, ...] = ()
    undone: tuple[Step, ...] = ()


def changes(case: Case, answer: Answer) -> Changes:
    """What the answer sets. Raises InvalidInput with the page's field names."""
    match answer:
        case OrderChosen():
            return _order(answer)
        case ChargeChosen():
            return _charge(answer)
        case OrderTyped():
            return _typed_order(answer)
        case ReasonGiven():
            return _reason(case, answer)
        case AmountClaimed():
            return _amount(case, answer)
        case TermsRead():
            return Changes(done=(Step.TERMS,))
        case CardLater():
            return _card_later()
        case StoryTold():
            return _story(case, answer)
        case _:
            assert_never(answer)


def as_dispute(case: Case) -> Changes:
    """What was begun as something about a whole order becomes a question about a charge."""
    if asked_as(case) is Kind.DISPUTE:
        return Changes()
    return Changes(
        columns={
            **_card_later().columns,
            "kind": Kind.DISPUTE,
            "reason": None,
            "bank_dispute_claimed": False,
        },
        answers={"asked_as": Kind.DISPUTE.value},
        undone=(Step.REASON, Step.AMOUNT, Step.TERMS, Step.NEW_CARD),
    )


def merged(case: Case, change: Changes) -> dict[str, object]:
    """The draft's `answers` with the change in it."""
    before = done(case.answers)
    gone = {step.value for step in change.undone}
    kept = [step for step in before if step not in gone]
    new = [step.value for step in change.done if step.value not in kept]
    return {**case.answers, **change.answers, "done": [*kept, *new]}


def done(answers: Mapping[str, object]) -> list[str]:
    """The steps that have an answer."""
    found = answers.get("done", [])
    return [str(step) for step in found] if isinstance(found, list) else []


def asked_as(case: Case) -> Kind:
    """What was asked for first, before a bank dispute took it over."""
    return Kind(str(case.answers.get("asked_as", case.kind)))


def whole_minor(case: Case) -> int | None:
    """What was charged in all, where we know it."""
    found = case.answers.get("total_minor")
    return found if isinstance(found, int) else None


def refuse_card_numbers(**texts: str) -> None:
    """Raises InvalidInput for the fields that hold a card number; the number is not repeated."""
    found = {name: CARD_NUMBER for name, text in texts.items() if card_numbers.contains(text)}
    if found:
        raise facts.InvalidInput(found)


def _order(answer: OrderChosen) -> Changes:
    return Changes(
        columns={
            "order_id": answer.order_id,
            "claimed_order": answer.number,
            "deposit_ids": list(answer.deposit_ids),
            "currency": answer.currency,
            "claimed_charge_date": answer.charged_on,
        },
        answers={"total_minor": answer.total_minor, "charge_id": "", "about": ""},
        done=(Step.ORDER,),
        undone=(Step.AMOUNT,),
    )


def _charge(answer: ChargeChosen) -> Changes:
    return Changes(
        columns={
            "order_id": None,
            "claimed_order": "",
            "deposit_ids": [],
            "currency": answer.currency,
            "claimed_charge_date": answer.charged_on,
        },
        answers={
            "total_minor": answer.amount_minor,
            "charge_id": answer.charge_id,
            "about": answer.description,
        },
        done=(Step.ORDER,),
        undone=(Step.AMOUNT,),
    )


def _typed_order(answer: OrderTyped) -> Changes:
    refuse_card_numbers(number=answer.number)
    return Changes(
        columns={
            "order_id": None,
            "claimed_order": answer.number,
            "deposit_ids": [],
            "currency": "usd",
            "claimed_charge_date": None,
        },
        answers={"total_minor": None, "charge_id": "", "about": ""},
        done=(Step.ORDER,),
        undone=(Step.AMOUNT,),
    )


def _reason(case: Case, answer: ReasonGiven) -> Changes:
    if answer.reason not in REASONS[asked_as(case)]:
        raise facts.InvalidInput({"reason": "Choose one of the reasons"})
    kind = _kind(case, answer.reason, case.bank_dispute_claimed)
    return Changes(columns={"reason": answer.reason, "kind": kind}, done=(Step.REASON,))


def _kind(case: Case, reason: Reason | None, bank: bool) -> Kind:
    """Cancelling is a reason that makes it a cancellation; a bank's process comes before all."""
    if bank:
        return Kind.CHARGEBACK
    return Kind.CANCELLATION if reason is Reason.CANCEL_ORDER else asked_as(case)


def _amount(case: Case, answer: AmountClaimed) -> Changes:
    errors: dict[str, str] = {}
    if not _LAST4.fullmatch(answer.last4):
        errors["last4"] = "Enter the last 4 digits of the card we charged, like 9876"
    minor = _claimed_minor(case, answer.part, errors)
    if errors:
        raise facts.InvalidInput(errors)
    columns: dict[str, Any] = {
        "claimed_last4": answer.last4,
        "claimed_amount_minor": minor,
        "bank_dispute_claimed": answer.bank,
        "kind": _kind(case, case.reason, answer.bank),
    }
    if answer.charged_on is not None:
        columns["claimed_charge_date"] = answer.charged_on
    return Changes(
        columns=columns,
        answers={"amount": "part" if answer.part else "all"},
        done=(Step.AMOUNT,),
    )


def _claimed_minor(case: Case, part: str, errors: dict[str, str]) -> int | None:
    """The amount in minor units; what is wrong with it goes into `errors`."""
    whole = whole_minor(case)
    if not part:
        if whole is None:
            errors["amount"] = "Enter the amount you want back, like 1,200.00"
        return whole
    try:
        wanted = parse(part, case.currency)
    except NotAnAmount as wrong:
        errors["amount"] = wrong.message
        return None
    if whole is not None and wanted.minor > whole:
        errors["amount"] = _too_much(case, Money(whole, case.currency))
    return wanted.minor


def _too_much(case: Case, whole: Money) -> str:
    on = f" on order {case.claimed_order}" if case.claimed_order else ""
    return f"Enter {format_money(whole)} or less. That is what we charged{on}"


def _card_later() -> Changes:
    columns: dict[str, Any] = {
        "card_payment_method_id": None,
        "card_brand": "",
        "card_last4": "",
        "card_expires": "",
        "card_fingerprint": "",
        "card_saved_at": None,
    }
    return Changes(columns=columns, answers={"card": "later"}, done=(Step.NEW_CARD,))


def _story(case: Case, answer: StoryTold) -> Changes:
    refuse_card_numbers(story=answer.story)
    if len(answer.story) > LONGEST_STORY:
        raise facts.InvalidInput({"story": f"Shorten this to {LONGEST_STORY:,} characters"})
    if not answer.story and asked_as(case) is Kind.DISPUTE:
        raise facts.InvalidInput({"story": "Tell us what happened, in a sentence or more"})
    return Changes(columns={"story": answer.story}, done=(Step.STORY,))


def story_kept(story: str) -> Changes:
    """What was typed so far, kept while a file is added or removed; the step is not done by it."""
    refuse_card_numbers(story=story)
    return Changes(columns={"story": story[:LONGEST_STORY]})
