"""The claim against Stripe: what was written, what Stripe shows, and whether the two agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import dates

from amends import settings
from amends.flow import sighting
from amends.flow.sighting import Reading, SeenCharge
from amends.gateways import stripe
from amends.models import Account, Case
from amends.rules import card_words, evidence, promises
from amends.rules.evidence import Match
from amends.rules.money import Money, format_money
from amends.rules.workflow import Kind

_NOTHING = "Not read"


@dataclass(frozen=True)
class Compared:
    """One row: a fact, both sides in words, and the verdict."""

    fact: str
    wrote: str
    shows: str
    match: Match


def rows(case: Case, account: Account, reading: Reading | None) -> tuple[Compared, ...]:
    """Every fact of the playbook; `unknown` wherever one side says nothing."""
    charges = reading.charges if reading else ()
    customer = reading.customer if reading else None
    found = [
        _card(case, charges),
        _amount(case, charges),
        _date(case, charges),
        _email(case, customer),
        _organisation(account, customer),
        _tenant(account, customer),
        _dispute(case, charges),
    ]
    if case.kind is Kind.REBILL:
        found.append(_new_card(case, reading))
    return tuple(found)


def card_name(card: stripe.CardFacts) -> str:
    return card_words.name(card.brand, card.last4, card.funding)


def local_day(seen: SeenCharge) -> date:
    return promises.local_day(seen.charge.created, ZoneInfo(settings.load().time_zone))


def _card(case: Case, charges: Sequence[SeenCharge]) -> Compared:
    cards = [seen.charge.card for seen in charges]
    digits = [digits for card in cards for digits in (card.last4, card.wallet_last4)]
    wrote = f"Ends {case.claimed_last4}" if case.claimed_last4 else "Not given"
    shows = ", ".join(card_name(card) for card in cards) or _NOTHING
    return Compared("Card charged", wrote, shows, evidence.last4(case.claimed_last4, digits))


def _amount(case: Case, charges: Sequence[SeenCharge]) -> Compared:
    amounts = [seen.charge.amount_minor for seen in charges]
    claimed = case.claimed_amount_minor
    wrote = "Not given" if claimed is None else format_money(Money(claimed, case.currency))
    shows = " + ".join(
        format_money(Money(seen.charge.amount_minor, seen.charge.currency)) for seen in charges
    )
    match = evidence.amount(claimed, amounts)
    if any(seen.charge.currency != case.currency for seen in charges):
        match = Match.MISMATCH
    return Compared("Amount", wrote, shows or _NOTHING, match)


def _date(case: Case, charges: Sequence[SeenCharge]) -> Compared:
    days = [local_day(seen) for seen in charges]
    claimed = case.claimed_charge_date
    wrote = "Not given" if claimed is None else _day(claimed)
    shows = _listed([_day(day) for day in days]) or _NOTHING
    return Compared("Date", wrote, shows, evidence.charge_date(claimed, days))


def _email(case: Case, customer: stripe.CustomerFacts | None) -> Compared:
    seen = customer.email if customer else ""
    match = evidence.addresses(case.contact_email, seen)
    shown = "same email" if match is Match.MATCH else seen
    shows = f"{customer.id}, {shown}" if customer and seen else _missing(customer, "email")
    return Compared("Email", case.contact_email, shows, match)


def _organisation(account: Account, customer: stripe.CustomerFacts | None) -> Compared:
    seen = customer.name if customer else ""
    match = evidence.organisations(account.organisation, seen)
    return Compared("Organization", account.organisation, seen or _missing(customer, "name"), match)


def _tenant(account: Account, customer: stripe.CustomerFacts | None) -> Compared:
    seen = sighting.tenant_of(customer) if customer else ""
    match = evidence.identifiers(account.tenant_id, seen)
    return Compared("Tenant ID", account.tenant_id, seen or _missing(customer, "tenant ID"), match)


def _missing(customer: stripe.CustomerFacts | None, what: str) -> str:
    return f"No {what} at Stripe" if customer else "No customer picked"


def _dispute(case: Case, charges: Sequence[SeenCharge]) -> Compared:
    wrote = "Yes, asked the bank" if case.bank_dispute_claimed else "No"
    if not charges:
        return Compared("Bank dispute", wrote, _NOTHING, Match.UNKNOWN)
    disputes = [dispute for seen in charges for dispute in seen.disputes]
    blocking = any(seen.blocking for seen in charges)
    match = Match.MATCH if blocking is case.bank_dispute_claimed else Match.MISMATCH
    shows = ", ".join(f"{d.status.replace('_', ' ')} ({d.id})" for d in disputes)
    return Compared("Bank dispute", wrote, shows or _none_on(len(charges)), match)


def _none_on(count: int) -> str:
    return {1: "None on the charge", 2: "None on either charge"}.get(
        count, f"None on the {count} charges"
    )


def _new_card(case: Case, reading: Reading | None) -> Compared:
    if case.card_payment_method_id is None:
        return Compared("New card", "Not saved yet", "Nothing saved", Match.UNKNOWN)
    wrote = card_words.name(case.card_brand, case.card_last4, case.card_funding)
    if reading is None or reading.customer is None:
        return Compared("New card", wrote, _NOTHING, Match.UNKNOWN)
    saved = saved_card(case, reading)
    if saved is None:
        return Compared("New card", wrote, "Not on this customer", Match.MISMATCH)
    shows = f"{card_name(saved)}, expires {saved.expires}"
    return Compared("New card", wrote, shows, Match.MATCH)


def saved_card(case: Case, reading: Reading) -> stripe.CardFacts | None:
    """The case's new card as Stripe has it on this customer; None when it is not there."""
    return next(
        (
            card
            for card in reading.cards
            if card.payment_method_id == case.card_payment_method_id
            and card.fingerprint == case.card_fingerprint
        ),
        None,
    )


def same_card(case: Case, reading: Reading) -> SeenCharge | None:
    """The charge that was paid with the very card now given as the new one."""
    if not case.card_fingerprint:
        return None
    return next(
        (seen for seen in reading.charges if seen.charge.card.fingerprint == case.card_fingerprint),
        None,
    )


@lru_cache(maxsize=4096)
def _day(day: date) -> str:
    return dates.format_date(day, "MMM d", locale="en_US")


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
