"""Where the money is: one step after the other, and inside them one row per card."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from amends.queries.customer_rows import CasePage, CaseRow, LegRow
from amends.rules import promises
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action, Kind, Status
from portal import words
from portal.dates import Days
from portal.words import LegWords

_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_BEFORE_CHECK: Final = frozenset(
    {Status.SUBMITTED, Status.TRIAGE, Status.NEEDS_CUSTOMER, Status.REOPENED}
)
_STOPPED: Final = frozenset(
    {Status.DECLINED, Status.WITHDRAWN, Status.LOCKED_CHARGEBACK, Status.LOCKED_FRAUD}
)


class Phase(StrEnum):
    DONE = "done"
    NOW = "now"
    NEXT = "next"


@dataclass(frozen=True)
class LegLine:
    """One card, its amount, its own state and its own dates."""

    card: str
    amount_minor: int
    currency: str
    words: LegWords
    trace: str = ""
    refund_id: str = ""


@dataclass(frozen=True)
class Step:
    """A step of the path. `at` is when it happened; `when` says it in words if it has not."""

    phase: Phase
    title: str
    icon: str
    text: str = ""
    at: datetime | None = None
    when: str = ""
    legs: tuple[LegLine, ...] = ()
    edge: bool = False


def steps(page: CasePage, days: Days) -> tuple[Step, ...]:
    """The whole path of this kind of request, as far as it goes."""
    case = page.case
    if case.status in _STOPPED and not case.legs:
        return (_received(page), *_stopped(page, days))
    path = [_received(page), _checked(page), _approved(page)]
    outcome = outcome_of(case)
    if outcome is Outcome.CANCELLATION:
        path += [_audit(page, days), *_subscription(case)]
    if outcome is Outcome.CREDIT:
        return (*path, _credit(case))
    if case.refunds or outcome is not Outcome.RECHARGE:
        path += [_refunds(page, days), _on_statement(case, days)]
    if outcome in (Outcome.REBILL, Outcome.RECHARGE) or case.recharge:
        path.append(_new_card(page))
    path += _stopped(page, days) if case.status in _STOPPED else ()
    return (*path, _papers(case))


def outcome_of(case: CaseRow) -> Outcome:
    """What the approved plans do; before that, what was asked for."""
    outcomes = {leg.outcome for leg in case.legs}
    for each in (Outcome.REBILL, Outcome.CANCELLATION, Outcome.RECHARGE, Outcome.CREDIT):
        if each in outcomes:
            return each
    if outcomes:
        return Outcome.REFUND
    by_kind = {Kind.REBILL: Outcome.REBILL, Kind.CANCELLATION: Outcome.CANCELLATION}
    return by_kind.get(case.kind, Outcome.REFUND)


def count_words(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _received(page: CasePage) -> Step:
    if page.case.channel == "stripe":
        text = f"Nobody wrote to us first. We emailed {page.contact}."
        return Step(Phase.DONE, "Your bank began its process", "landmark", text,
                    page.case.submitted_at)  # fmt: skip
    files = len(page.files)
    attached = f" {_files(files)} attached." if files else ""
    return Step(
        Phase.DONE,
        "We got your request",
        "check",
        f"In writing, from {page.contact}.{attached}",
        page.case.submitted_at,
    )


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _checked(page: CasePage) -> Step:
    case = page.case
    if case.legs or case.status not in _BEFORE_CHECK:
        return Step(Phase.DONE, "We checked the charges", "check", _found(case.refunds),
                    page.moved.get(Action.PROPOSE))  # fmt: skip
    if case.status is Status.NEEDS_CUSTOMER:
        return Step(Phase.NOW, "We check the charges", "search", "We wait for your answer.")
    return Step(Phase.NOW, "We check the charges", "search", "We look each charge up.")


def _found(refunds: tuple[LegRow, ...]) -> str:
    if len(refunds) < 2:
        return "The charge was found and checked." if refunds else ""
    which = "Both deposits" if len(refunds) == 2 else f"All {count_words(len(refunds))} deposits"
    return f"{which} found and matched to your cards."


def _approved(page: CasePage) -> Step:
    case = page.case
    by_manager = outcome_of(case) not in (Outcome.REFUND, Outcome.CREDIT)
    who = "A manager" if by_manager else "We"
    rule = "No money moves before this step."
    if case.legs:
        return Step(Phase.DONE, f"{who} approved it", "check", rule, page.moved.get(Action.APPROVE))
    if case.status is Status.PROPOSED:
        title = "A manager is deciding" if by_manager else "We are deciding"
        return Step(Phase.NOW, title, "user-check", rule)
    return Step(Phase.NEXT, "A manager decides" if by_manager else "We decide", "user-check", rule)


def _audit(page: CasePage, days: Days) -> Step:
    started, title = page.moved.get(Action.START_AUDIT), "Our internal audit"
    if page.moved.get(Action.FINISH_AUDIT) or page.case.refunds_confirmed:
        return Step(Phase.DONE, title, "check", at=page.moved.get(Action.FINISH_AUDIT))
    if started is None:
        about = f"It takes about {promises.AUDIT_BUSINESS_DAYS} business days."
        return Step(Phase.NEXT, title, "calendar-clock", about)
    audit = days.audit(started)
    sentence = promises.audit_progress_sentence(audit, days.calendar, days.today)
    return Step(Phase.NOW, title, "calendar-clock", sentence, started)


def _subscription(case: CaseRow) -> list[Step]:
    legs = [leg for leg in case.legs if leg.kind is LegKind.END_SUBSCRIPTION]
    done = any(leg.state is LegState.SUCCEEDED for leg in legs)
    title = "Your subscription ended" if done else "Your subscription ends"
    text = "" if done else "It is canceled as a part of this."
    at = legs[-1].confirmed_at if done else None
    phase = Phase.DONE if done else Phase.NEXT
    return [Step(phase, title, "check" if done else "x", text, at)]


def _refunds(page: CasePage, days: Days) -> Step:
    refunds = page.case.refunds
    lines = tuple(leg_line(leg, days) for leg in refunds)
    cards = "cards" if len(refunds) != 1 else "card"
    text = "Each deposit goes back to the card it came from."
    if not refunds:
        return Step(Phase.NEXT, "Refund to the card you paid with", "send", text)
    sent = [leg for leg in refunds if leg.state is LegState.SUCCEEDED]
    title = f"Refund sent to your {cards}" if sent else f"Refund to your {cards}"
    phase = Phase.NEXT if page.case.status is Status.AUDITING else Phase.NOW
    phase = Phase.DONE if page.case.refunds_confirmed else phase
    at = max((leg.confirmed_at for leg in sent if leg.confirmed_at), default=None)
    icon = "check" if phase is Phase.DONE else "send"
    return Step(phase, title, icon, text, at, legs=lines, edge=bool(sent))


def leg_line(leg: LegRow, days: Days) -> LegLine:
    return LegLine(
        leg.card.words,
        leg.amount_minor,
        leg.currency,
        _leg_words(leg, days),
        leg.bank_reference,
        leg.refund_id if leg.kind is LegKind.REFUND else "",
    )


def _leg_words(leg: LegRow, days: Days) -> LegWords:
    plain = words.LEG[(leg.kind, leg.state)]
    window = days.window(leg) if leg.kind is LegKind.REFUND else None
    if window is None:
        return plain
    if leg.pending_reason == "reversal":
        return words.TAKEN_BACK
    expected = f"Expect it {promises.range_words(window, days.today)}."
    if window.passed(days.today):
        expected = "It should be on your statement by now."
    if leg.bank_reference:
        return LegWords("Refund confirmed", "ok", "check", expected)
    return LegWords(plain.state, plain.tone, plain.icon, f"{expected} {words.TRACE_FOLLOWS}")


def _on_statement(case: CaseRow, days: Days) -> Step:
    cards = "statements" if len(case.refunds) > 1 else "statement"
    title, icon = f"Shows on your {cards}", "landmark"
    window = days.latest(case.refunds)
    if window is None:
        return Step(Phase.NEXT, title, icon, promises.unsent_sentence())
    when = promises.range_words(window, days.today)
    if window.passed(days.today) and case.refunds_confirmed:
        return Step(Phase.DONE, title, "check", words.SHOULD_BE_THERE, when=when)
    text = (
        f"If it is not there after {days.words(window.last)}, write to us on this page and we "
        "will trace it with the bank."
    )
    return Step(Phase.NOW if case.refunds_confirmed else Phase.NEXT, title, icon, text, when=when)


def _new_card(page: CasePage) -> Step:
    case, leg = page.case, page.case.recharge
    card = leg.card.words if leg else case.card.words if case.card else ""
    never = "We never charge it before the refund."
    if leg is None:
        text = f"{card}. {never}" if card else f"You can add the card on this page. {never}"
        return Step(Phase.NEXT, "New card charged", "credit-card", text, when=_after(case))
    line = LegLine(card, leg.amount_minor, leg.currency, words.LEG[(leg.kind, leg.state)])
    if leg.state is LegState.SUCCEEDED:
        return Step(Phase.DONE, "New card charged", "check", "", leg.confirmed_at, legs=(line,))
    if not case.refunds_confirmed and case.refunds:
        return Step(Phase.NEXT, "New card charged", "credit-card", f"{card}. {never}",
                    when=_after(case), legs=(line,))  # fmt: skip
    return Step(Phase.NOW, "New card charged", "credit-card", _card_now(case), legs=(line,))


def _after(case: CaseRow) -> str:
    count = len(case.refunds)
    if count < 2:
        return "After the refund is confirmed"
    return "After both refunds are confirmed" if count == 2 else "After all refunds are confirmed"


def _card_now(case: CaseRow) -> str:
    if case.status is Status.NEEDS_NEW_CARD and not words.has_newer_card(case):
        return "Add another card. A manager approves it before we charge it."
    if case.status in (Status.NEEDS_NEW_CARD, Status.PROPOSED, Status.TRIAGE):
        card = case.card.words if case.card else "The new card"
        return f"{card} is saved. A manager approves it before we charge it."
    return ""


def _credit(case: CaseRow) -> Step:
    legs = [leg for leg in case.legs if leg.kind is LegKind.CREDIT]
    done = bool(legs) and all(leg.state is LegState.SUCCEEDED for leg in legs)
    lines = tuple(
        LegLine("Credit on your account", leg.amount_minor, leg.currency,
                words.LEG[(leg.kind, leg.state)]) for leg in legs
    )  # fmt: skip
    at = legs[-1].confirmed_at if done else None
    return Step(Phase.DONE if done else Phase.NOW, "Credit added" if done else "Credit",
                "check" if done else "plus", "", at, legs=lines)  # fmt: skip


def _papers(case: CaseRow) -> Step:
    both = outcome_of(case) in (Outcome.REBILL, Outcome.RECHARGE)
    title = "Receipt and proof of refund by email" if both else "Proof of refund by email"
    if case.status is Status.RESOLVED:
        return Step(Phase.DONE, title, "check", "They are on this page too.", case.closed_at)
    return Step(Phase.NEXT, title, "receipt")


def _stopped(page: CasePage, days: Days) -> Iterable[Step]:
    case = page.case
    match case.status:
        case Status.DECLINED:
            yield Step(Phase.DONE, "We did not approve it", "ban", case.outcome_reason,
                       page.moved.get(Action.DECLINE))  # fmt: skip
        case Status.WITHDRAWN:
            yield Step(Phase.DONE, "You withdrew it", "undo-2", "No money was moved.",
                       page.moved.get(Action.WITHDRAW))  # fmt: skip
        case Status.LOCKED_CHARGEBACK:
            yield Step(Phase.NOW, "Your bank decides this", "landmark", words.BANK_STEP,
                       page.moved.get(Action.LOCK_CHARGEBACK))  # fmt: skip
        case Status.LOCKED_FRAUD:
            by = days.words(days.reply_by(page.moved.get(Action.LOCK_FRAUD, case.submitted_at)))
            text = f"We write to you by {by}. No money moves before that."
            yield Step(Phase.NOW, "We check this charge with care", "shield-check", text)
