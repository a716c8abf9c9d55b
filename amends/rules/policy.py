"""Who may decide what. Pure: the page asks to explain, the flow asks again to enforce."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amends.rules.money import Money, format_money
from amends.rules.people import Role, Staff
from amends.rules.plan import Outcome
from amends.rules.workflow import Kind, Reason

# Minor units. USD 500.00 is the written rule; the others are set near it and are data, not law.
REFUND_LIMITS: Mapping[str, int] = {
    "usd": 500_00,
    "eur": 500_00,
    "gbp": 400_00,
    "cad": 700_00,
    "aud": 750_00,
    "jpy": 75_000,
    "chf": 450_00,
    "kwd": 150_000,
}
# Over these two people approve, four times the first limit.
SECOND_LIMITS: Mapping[str, int] = {
    currency: 4 * minor for currency, minor in REFUND_LIMITS.items()
}
GOODWILL_CAPS: Mapping[str, int] = {"usd": 250_00, "eur": 250_00, "gbp": 200_00, "jpy": 35_000}
# What one person may have a hand in within the policy's window, over all cases.
GOODWILL_PERSON_CAPS: Mapping[str, int] = {
    "usd": 1_000_00,
    "eur": 1_000_00,
    "gbp": 800_00,
    "jpy": 140_000,
}


@dataclass(frozen=True)
class Policy:
    """The rules in force, as stored; `version` goes into every plan's digest."""

    version: int = 1
    refund_limits: Mapping[str, int] = field(default_factory=lambda: dict(REFUND_LIMITS))
    second_limits: Mapping[str, int] = field(default_factory=lambda: dict(SECOND_LIMITS))
    goodwill_caps: Mapping[str, int] = field(default_factory=lambda: dict(GOODWILL_CAPS))
    goodwill_person_caps: Mapping[str, int] = field(
        default_factory=lambda: dict(GOODWILL_PERSON_CAPS)
    )
    approval_valid_days: int = 14
    step_up_seconds: int = 300
    window_days: int = 30
    # Of a hundred approved plans so many are looked at by somebody without a part in them.
    review_percent: int = 5

    def refund_limit(self, currency: str) -> Money:
        """A currency without a limit has the limit zero: every refund needs a lead."""
        return Money(self.refund_limits.get(currency, 0), currency)

    def second_limit(self, currency: str) -> Money:
        """A currency without a second limit has the limit zero: every refund needs two people."""
        return Money(self.second_limits.get(currency, 0), currency)

    def goodwill_cap(self, currency: str) -> Money:
        """What one case may get as goodwill; a currency without a cap gets none."""
        return Money(self.goodwill_caps.get(currency, 0), currency)

    def goodwill_person_cap(self, currency: str) -> Money:
        return Money(self.goodwill_person_caps.get(currency, 0), currency)


@dataclass(frozen=True)
class Allowed:
    pass


@dataclass(frozen=True)
class Refused:
    reason: str


Verdict = Allowed | Refused

LEADS = frozenset({Role.LEAD, Role.MANAGER})
MANAGERS = frozenset({Role.MANAGER})
DECIDERS = frozenset({Role.AGENT, Role.LEAD, Role.MANAGER})
CREDITORS = frozenset({Role.ACCOUNT_MANAGER, Role.MANAGER})
INVESTIGATORS = frozenset({Role.SECURITY, Role.MANAGER})


@dataclass(frozen=True)
class Route:
    """Who may decide, how many of them have to approve, and why, in words for staff."""

    roles: frozenset[Role]
    why: tuple[str, ...]
    approvals: int = 1

    @property
    def sentence(self) -> str:
        return "Needs " + _names(self.roles) + ": " + ", and ".join(self.why) + "."


@dataclass(frozen=True)
class Totals:
    """What is counted against the limit: the larger of the two decides.

    `lately` is this plan with the customer's refunds of the last thirty days, `of_one_charge` the
    charge of this plan that is paid back most, with all that was ever paid back of it.
    """

    lately: Money
    of_one_charge: Money

    @property
    def currency(self) -> str:
        return self.lately.currency


def second_look(found: Route, totals: Totals, policy: Policy) -> Route:
    """The same route; over the second limit two different people have to approve."""
    limit = policy.second_limit(totals.currency)
    if not (totals.lately > limit or totals.of_one_charge > limit):
        return found
    why = f"over {format_money(limit)} two people approve"
    return Route(found.roles, (*found.why, why), approvals=2)


def route(
    outcome: Outcome,
    kind: Kind,
    reason: Reason | None,
    refunded: Money | Totals,
    policy: Policy,
    for_managers: Sequence[str] = (),
) -> Route:
    """The route of a plan. `for_managers` are reasons of this very plan that need a manager."""
    totals = refunded if isinstance(refunded, Totals) else Totals(refunded, refunded)
    if outcome is Outcome.CREDIT:
        return Route(CREDITORS, ("a goodwill credit is the account manager's decision",))
    return second_look(_route(outcome, kind, reason, totals, policy, for_managers), totals, policy)


def _route(
    outcome: Outcome,
    kind: Kind,
    reason: Reason | None,
    totals: Totals,
    policy: Policy,
    for_managers: Sequence[str],
) -> Route:
    if reason is Reason.NOT_RECOGNISED:
        return Route(INVESTIGATORS, ("the card was not recognised",))
    managers = [*_manager_reasons(outcome, kind, reason), *for_managers]
    limit = policy.refund_limit(totals.currency)
    why = [*managers, *_over(totals, limit, policy.window_days)]
    if managers:
        return Route(MANAGERS, tuple(why))
    if why:
        return Route(LEADS, tuple(why))
    return Route(DECIDERS, (f"it is {format_money(limit)} or less",))


def _over(totals: Totals, limit: Money, days: int) -> list[str]:
    """Strictly over, by the customer's sum or by one charge's."""
    if totals.lately > limit:
        return [f"it is over {format_money(limit)} with the refunds of the last {days} days"]
    if totals.of_one_charge > limit:
        return [f"more than {format_money(limit)} of one charge is paid back with it"]
    return []


def _manager_reasons(outcome: Outcome, kind: Kind, reason: Reason | None) -> list[str]:
    found = []
    if outcome in (Outcome.REBILL, Outcome.RECHARGE):
        found.append("it is a re-bill")
    if outcome is Outcome.CANCELLATION or kind is Kind.CANCELLATION:
        found.append("it is a cancellation")
    if reason is Reason.MODULE_UNUSED:
        found.append("it is about an unused module")
    return found


def may_prepare(person: Staff, reason: Reason | None) -> Verdict:
    """Who may prepare a plan. A card that was not recognised belongs to Security."""
    if reason is Reason.NOT_RECOGNISED and not person.roles & INVESTIGATORS:
        return Refused("The card was not recognised. Only Security or a manager prepares this.")
    if person.roles & (DECIDERS | INVESTIGATORS | CREDITORS):
        return Allowed()
    return Refused("Your role cannot prepare a plan. An agent, lead or manager can.")


def may_decide(person: Staff, needed: Route, hands: frozenset[int]) -> Verdict:
    """`hands` are the ids of everyone who prepared or last held this plan."""
    if person.person_id in hands:
        return Refused("You prepared this plan, so someone else has to approve it.")
    if not person.roles & needed.roles:
        return Refused(f"This decision is not yours to take. {needed.sentence}")
    return Allowed()


def may_approve_second(person: Staff, first_id: int | None) -> Verdict:
    """`first_id` is whoever approved the plan already, where two people have to."""
    if person.person_id == first_id:
        return Refused("You approved this plan. A second person has to approve it as well.")
    return Allowed()


def may_override_identity(person: Staff) -> Verdict:
    if person.roles & LEADS:
        return Allowed()
    return Refused("Only a lead or a manager may override an identity check, with a reason.")


def may_lift_fraud(person: Staff) -> Verdict:
    if person.roles & INVESTIGATORS:
        return Allowed()
    return Refused("Only Security or a manager lifts this flag, with a reason.")


_TITLES = {
    Role.AGENT: "an agent",
    Role.LEAD: "a lead",
    Role.MANAGER: "a manager",
    Role.SECURITY: "Security",
    Role.ACCOUNT_MANAGER: "an account manager",
}


def _names(roles: frozenset[Role]) -> str:
    names = [_TITLES[role] for role in Role if role in roles and role in _TITLES]
    return " or ".join(names)
