"""The approved plan as the worker may execute it, or the reason why it may not."""

from dataclasses import dataclass

from amends import clock, policies, rows
from amends.flow import fraud
from amends.models import Account, Approval, Case, Leg, Plan, PolicyVersion
from amends.rules import plan as plans
from amends.rules import policy
from amends.rules.plan import LegKind, LegState

# One live plan and one approval of it at most, by unique indexes; a row for each leg.
_LIVE_PLAN = """
FROM plan LEFT JOIN approval ON approval.plan_id = plan.id AND approval.decision = 'approved'
LEFT JOIN policy_version ON policy_version.version = plan.policy_version
LEFT JOIN leg ON leg.plan_id = plan.id
WHERE plan.case_id = $1 AND plan.voided_at IS NULL ORDER BY leg.position
"""
_ACCOUNT_AND_DONE = """
FROM account LEFT JOIN leg ON leg.case_id = $2 AND leg.state = 'succeeded' AND leg.id <> $3
WHERE account.id = $1
"""

_TO_MOVE = (LegState.PLANNED, LegState.SENDING, LegState.UNKNOWN, LegState.PENDING)


class Halt(Exception):
    """The plan must not go on; the text says why. `key` names the kind of halt."""

    def __init__(self, key: str, text: str) -> None:
        super().__init__(text)
        self.key = key
        self.text = text


@dataclass(frozen=True)
class Execution:
    """One case, its live plan, the approval that binds it, and its legs in order."""

    case: Case
    plan: Plan
    draft: plans.Draft
    approval: Approval
    legs: tuple[Leg, ...]

    @property
    def refunds(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.kind is LegKind.REFUND)

    @property
    def ending(self) -> Leg | None:
        """The end of the subscription, while it is still to be done."""
        legs = (leg for leg in self.legs if leg.kind is LegKind.END_SUBSCRIPTION)
        return next((leg for leg in legs if leg.state is not LegState.SUCCEEDED), None)

    @property
    def credit(self) -> Leg | None:
        return next((leg for leg in self.legs if leg.kind is LegKind.CREDIT), None)

    @property
    def recharge(self) -> Leg | None:
        return next((leg for leg in self.legs if leg.kind is LegKind.RECHARGE), None)


async def load(case: Case) -> Execution:
    """The live plan with everything checked that must be true before a leg is sent.

    Raises Halt when the digest, the approval or the legs are not what was approved.
    """
    found = await rows.joined((Plan, Approval, PolicyVersion, Leg), _LIVE_PLAN, case.id)
    plan = rows.part(Plan, found[0]) if found else None
    if plan is None:
        raise Halt("no_plan", "There is no live plan.")
    approval = rows.part(Approval, found[0])
    if approval is None:
        raise Halt("no_approval", f"Plan v{plan.version} is not approved.")
    draft = plans.read(plan.canonical)
    legs = tuple(rows.parts(Leg, found))
    _check_digest(plan, draft, approval, legs)
    rules = policies.made_under(plan.policy_version, rows.part(PolicyVersion, found[0]))
    await _check_second(plan, draft, approval, rules)
    return Execution(case, plan, draft, approval, legs)


async def check_fresh(execution: Execution) -> None:
    """What may have changed since: the approval's age, the account's flag."""
    _check_age(execution)
    account = await rows.one(Account, "WHERE id = $1", execution.case.account_id)
    _check_account(execution, account)


async def check_charge(execution: Execution) -> None:
    """As `check_fresh`; and all that a case charges stays within all that went back."""
    own = execution.recharge
    assert own is not None, "only a recharge is checked"
    _check_age(execution)
    found = await rows.joined(
        (Account, Leg), _ACCOUNT_AND_DONE, execution.case.account_id, execution.case.id, own.id
    )
    account = rows.part(Account, found[0])
    assert account is not None, "a case has an account"
    _check_account(execution, account)
    _must_not_charge_twice(own, rows.parts(Leg, found))


def _check_age(execution: Execution) -> None:
    expires = execution.approval.expires_at
    if expires is not None and expires < clock.now():
        raise Halt(
            "approval_expired",
            f"The approval of plan v{execution.plan.version} expired on {expires:%Y-%m-%d}.",
        )


def _check_account(execution: Execution, account: Account) -> None:
    allowed = fraud.may_pay_back(execution.case.reason, execution.recharge is not None)
    if account.flagged_at is not None and not allowed:
        raise Halt("account_flagged", "The account is flagged; its money is frozen.")
    _check_hold(execution, account)


def _check_hold(execution: Execution, account: Account) -> None:
    """After a change of the billing address no new card is charged for a week.

    A re-bill does not begin in that time either; refunds that have begun go to their old cards and
    are finished.
    """
    until = account.rebill_hold_until
    if execution.recharge is None or until is None or until <= clock.now():
        return
    states = {leg.state is LegState.PLANNED for leg in execution.refunds}
    if states != {True, False}:
        raise Halt("rebill_hold", f"No new card is charged for this account until {until:%b %d}.")


async def _check_second(
    plan: Plan, draft: plans.Draft, approval: Approval, rules: policy.Policy
) -> None:
    """Over the second limit, two different people approved exactly this plan."""
    refunds = draft.refunds()
    if not refunds:
        return
    limit = rules.second_limit(refunds[0].currency).minor
    if sum(leg.amount_minor for leg in refunds) <= limit:
        return
    first = await Approval.filter(plan_id=plan.id, decision="agreed", digest=plan.digest).first()
    if first is None or first.approver_id == approval.approver_id:
        raise Halt("no_approval", f"Plan v{plan.version} needs the approval of two people.")


def _check_digest(
    plan: Plan, draft: plans.Draft, approval: Approval, legs: tuple[Leg, ...]
) -> None:
    found = plans.digest_of(plan.canonical)
    if not found == plan.digest == approval.digest == draft.digest():
        raise Halt("digest", f"Plan v{plan.version} is not what was approved.")
    if len(legs) != len(draft.legs):
        raise Halt("digest", "The legs are not the approved ones.")
    for leg, planned in zip(legs, draft.legs, strict=True):
        if not _same(leg, planned):
            raise Halt("digest", f"Leg {leg.position} is not what was approved.")


def _same(leg: Leg, planned: plans.PlannedLeg) -> bool:
    return (
        str(leg.id),
        leg.kind,
        leg.amount_minor,
        leg.currency,
        leg.charge_id,
        leg.payment_method_id,
        leg.customer_id,
        leg.card_fingerprint,
        leg.stripe_reason,
        leg.subscription_id,
        leg.invoice_id,
    ) == (
        planned.leg_id,
        planned.kind,
        planned.amount_minor,
        planned.currency,
        planned.charge_id,
        planned.payment_method_id,
        planned.customer_id,
        planned.card_fingerprint,
        planned.stripe_reason,
        planned.subscription_id,
        planned.invoice_id,
    )


def _must_not_charge_twice(own: Leg, done: list[Leg]) -> None:
    """What the case charges fits into what went back, whatever its plans say.

    Raises Halt where earlier charges, one that was taken over after a restore say, used it up.
    """
    back = sum(leg.amount_minor for leg in done if leg.kind is LegKind.REFUND)
    charged = sum(leg.amount_minor for leg in done if leg.kind is LegKind.RECHARGE)
    if charged + own.amount_minor > back:
        raise Halt("twice", "In all, more would be charged than went back.")


async def charges_under(execution: Execution, leg: Leg) -> tuple[str, ...]:
    """The charges on which a dispute or a warning stops this refund, its own first.

    They are those that are still to move, and for a re-bill all that the new charge rests on.
    """
    if execution.recharge is None:
        legs = [each for each in execution.refunds if each.state in _TO_MOVE]
    else:
        legs = [*await _earlier(execution), *execution.refunds]
    return tuple(dict.fromkeys(each.charge_id for each in (leg, *legs)))


async def _earlier(execution: Execution) -> list[Leg]:
    """The refunds of earlier plans that the new charge rests on too."""
    rests_on = list(execution.draft.rests_on)
    if not rests_on:
        return []
    return await rows.read(Leg, "WHERE id = ANY($1) AND case_id = $2", rests_on, execution.case.id)


async def confirmed_refunds_under(execution: Execution) -> list[Leg]:
    """The refund legs that a recharge rests on: this plan's and the earlier ones it names.

    Raises Halt unless every one of them is confirmed.
    """
    earlier = await _earlier(execution)
    if len(earlier) != len(execution.draft.rests_on):
        raise Halt("gate", "A refund that the new charge rests on is not on this case.")
    legs = [*earlier, *execution.refunds]
    open_legs = [leg for leg in legs if leg.state is not LegState.SUCCEEDED]
    if open_legs or not legs:
        raise Halt("gate", "Not every refund is confirmed; the new card is not charged.")
    return legs
