"""The head of a request page: the state in words, the amount, the dates, the one thing to do."""

from dataclasses import dataclass, replace

from amends.queries.customer_audit import AuditSeen
from amends.queries.customer_rows import CasePage, CaseRow, LegRow
from amends.rules import promises
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action, Kind, Status
from portal import money_path, words
from portal.dates import Days
from portal.words import StateWords

_MOVING = frozenset({Status.REFUNDING, Status.REFUNDED, Status.RECHARGING, Status.RECHARGED})


@dataclass(frozen=True)
class Expect:
    """When it shows, in one sentence, and why these dates, in small print."""

    sentence: str
    why: str = ""


@dataclass(frozen=True)
class Head:
    words: StateWords
    amount_minor: int | None
    currency: str
    about: str
    expect: tuple[Expect, ...]


def state(case: CaseRow) -> StateWords:
    """The words for a case, by its status and how far its movements got."""
    plain = words.STATUS[case.status]
    if needs_card(case):
        return replace(plain, todo="Add the new card")
    match case.status:
        case Status.REFUNDING:
            return _refunding(case, plain)
        case Status.PROPOSED if case.legs:
            return _approving_again(case, plain)
        case Status.PROPOSED if case.kind is Kind.DISPUTE:
            return replace(plain, state="We are deciding", headline="We are deciding")
        case Status.APPROVED:
            return _approved(case, plain)
        case Status.NEEDS_NEW_CARD if words.has_newer_card(case):
            return _new_card_saved(case)
        case Status.NEEDS_AUTHENTICATION if _is_with_bank(case):
            return replace(plain, todo="Finish the confirmation with your bank")
        case Status.RECHARGING if _was_asked(case):
            return replace(plain, state="With your bank", headline="We are asking your bank")
        case Status.RESOLVED:
            return _done(case, plain)
    return plain


def needs_card(case: CaseRow) -> bool:
    """The new card was to be added later, and no plan can be made without it."""
    waits_for_us = case.status in (Status.SUBMITTED, Status.TRIAGE)
    return waits_for_us and case.kind is Kind.REBILL and case.card is None and not case.legs


def _refunding(case: CaseRow, plain: StateWords) -> StateWords:
    sent = [leg for leg in case.refunds if leg.state is LegState.SUCCEEDED]
    if case.refunds_confirmed:
        return replace(plain, headline=f"Your refund is on its way to {_cards(case)}")
    if sent:
        return replace(plain, headline="A part of your refund is on its way")
    if any(leg.state is LegState.PENDING for leg in case.refunds):
        waiting = "Your refund waits for our payment provider"
        return replace(plain, state="Waiting for our payment provider", headline=waiting)
    return words.STATUS[Status.APPROVED]


def _cards(case: CaseRow) -> str:
    count = len(case.refunds)
    return "your card" if count < 2 else f"{money_path.count_words(count)} cards"


def _approving_again(case: CaseRow, plain: StateWords) -> StateWords:
    what = "your new card" if case.refunds_confirmed else "the next step"
    return replace(plain, headline=f"A manager is deciding about {what}")


def _approved(case: CaseRow, plain: StateWords) -> StateWords:
    match money_path.outcome_of(case):
        case Outcome.CREDIT:
            return replace(plain, state="Approved, adding your credit",
                           headline="Approved. We are adding your credit")  # fmt: skip
        case Outcome.RECHARGE:
            return replace(plain, state="Approved, next: new card",
                           headline="Approved. Next: your new card")  # fmt: skip
        case Outcome.CANCELLATION if not any(_has_begun(leg) for leg in case.refunds):
            return replace(plain, state="Approved", headline="Your cancellation is approved")
    return plain


def _has_begun(leg: LegRow) -> bool:
    return leg.state is not LegState.PLANNED


def _new_card_saved(case: CaseRow) -> StateWords:
    card = case.card.words if case.card else "The new card"
    headline = f"{card} is saved. A manager approves it next"
    return StateWords("New card saved", headline, "go", "credit-card")


def _is_with_bank(case: CaseRow) -> bool:
    return case.recharge is not None and bool(case.recharge.next_action_url)


def _was_asked(case: CaseRow) -> bool:
    leg = case.recharge
    return leg is not None and leg.state is LegState.NEEDS_ACTION


def _done(case: CaseRow, plain: StateWords) -> StateWords:
    if case.kind is Kind.CHARGEBACK and not case.legs:
        return replace(plain, headline="Your bank's process is over")
    credits = [leg for leg in case.legs if leg.kind is LegKind.CREDIT]
    if credits:
        return replace(plain, headline="Done. A credit is on your account")
    if case.recharge is not None and case.recharge.state is LegState.SUCCEEDED:
        return replace(plain, headline="Done. Your new card is charged")
    if case.refunds_confirmed:
        return replace(plain, headline="Done. Your refund was sent")
    return plain


def head(page: CasePage, days: Days, audit: AuditSeen | None = None) -> Head:
    case = page.case
    refunds = [leg for leg in case.refunds if leg.state is not LegState.CANCELED]
    credits = [leg for leg in case.legs if leg.kind is LegKind.CREDIT]
    moving = refunds or credits or ([case.recharge] if case.recharge else [])
    amount = sum(leg.amount_minor for leg in moving) if moving else case.claimed_amount_minor
    currency = moving[0].currency if moving else case.currency
    return Head(state(case), amount, currency, _about(case), tuple(_expect(page, days, audit)))


def _about(case: CaseRow) -> str:
    if any(leg.kind is LegKind.CREDIT for leg in case.legs):
        return "as a credit on your account"
    if case.refunds:
        which = "card" if len(case.refunds) == 1 else "cards"
        going = "went back" if case.status is Status.RESOLVED else "going back"
        return f"{going} to the {which} you paid with"
    if case.recharge:
        return f"charged to {case.recharge.card.words}"
    if case.channel == "stripe":
        return "the charge that your bank looks at"
    return "the amount you wrote to us about"


def _expect(page: CasePage, days: Days, audit: AuditSeen | None) -> list[Expect]:
    case = page.case
    window = days.latest(case.refunds)
    if window is not None:
        return _expect_sent(case, window, days)
    match case.status:
        case Status.SUBMITTED | Status.TRIAGE:
            return [Expect(_reply(case, days))]
        case Status.AUDITING:
            return _audit(page, days, audit)
        case Status.APPROVED | Status.REFUNDING if case.refunds:
            return [Expect(promises.unsent_sentence())]
        case Status.LOCKED_CHARGEBACK:
            return [Expect(words.BANK_DECIDES)]
        case Status.LOCKED_FRAUD:
            since = page.moved.get(Action.LOCK_FRAUD, case.submitted_at)
            return [Expect(f"We write to you by {days.words(days.reply_by(since))}.")]
        case Status.DECLINED if case.outcome_reason:
            return [Expect(f"We did not approve it, because: {case.outcome_reason}")]
        case Status.REFUND_FAILED_LATE | Status.PARTLY_REFUNDED:
            return [Expect("We will agree another way with you in writing.")]
    return []


def _reply(case: CaseRow, days: Days) -> str:
    day = days.reply_by(case.submitted_at)
    if day < days.today:
        return "This takes longer than we said. We have not forgotten you, and write to you soon."
    return promises.reply_sentence(day, days.today)


def _expect_sent(case: CaseRow, window: promises.Window, days: Days) -> list[Expect]:
    if case.status in (Status.REFUND_FAILED_LATE, Status.PARTLY_REFUNDED):
        return [Expect("We will agree another way with you in writing.")]
    if window.passed(days.today):
        return [Expect(words.SHOULD_BE_THERE)]
    between = promises.between_words(window, days.today)
    statements = "statements" if len(case.refunds) > 1 else "statement"
    expected = Expect(
        f"Expect it on your {statements} {between}.", promises.why_sentences(window, days.today)
    )
    if case.refunds_confirmed or case.status not in _MOVING:
        return [expected]
    rest = "A part of it is not sent yet and has no dates. We email you as soon as it is sent."
    return [expected, Expect(rest)]


def _audit(page: CasePage, days: Days, seen: AuditSeen | None) -> list[Expect]:
    """How far it is, until when, and who answers meanwhile."""
    began = page.moved.get(Action.START_AUDIT, page.case.submitted_at)
    audit = seen.window if seen else days.audit(began)
    refund = promises.between_words(audit.refund, days.today)
    found = [
        Expect(
            promises.audit_progress_sentence(audit, days.calendar, days.today),
            f"After that, expect the refund on your statement {refund}.",
        )
    ]
    if seen and seen.renewals_stopped_at:
        day = days.words(days.local(seen.renewals_stopped_at))
        found.append(
            Expect(f"Renewals are stopped since {day}. Nothing is billed during the audit.")
        )
    if seen and seen.contact:
        found.append(Expect(f"Your Customer Success Manager is {seen.contact}. Write to us here."))
    return found


def next_date(case: CaseRow, days: Days) -> str:
    """One line for the list: what comes next, with its date where it has one."""
    found = state(case)
    if found.todo:
        return found.todo
    window = days.latest(case.refunds)
    if window is not None and not window.passed(days.today):
        return f"Expect the refund {promises.range_words(window, days.today)}"
    if case.status in (Status.SUBMITTED, Status.TRIAGE):
        day = days.reply_by(case.submitted_at)
        return f"We write to you by {days.words(day)}" if day >= days.today else "We write soon"
    return "" if case.closed_at else words.NOTHING_TO_DO
