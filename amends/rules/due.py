"""When a state wants a person or the worker next."""

from amends.rules.workflow import Status

S = Status

# Business days a person has in each state before the case counts as overdue. The first answer is
# promised within one business day on every page; a bank's refund takes five to ten.
STAFF_DAYS: dict[Status, int] = {
    S.SUBMITTED: 1,
    S.TRIAGE: 1,
    S.REOPENED: 1,
    S.PROPOSED: 1,
    S.PARTLY_REFUNDED: 1,
    S.REFUND_FAILED_LATE: 1,
    S.LOCKED_FRAUD: 1,
    S.LOCKED_CHARGEBACK: 1,
    S.NEEDS_CUSTOMER: 5,
    S.NEEDS_NEW_CARD: 5,
    S.NEEDS_AUTHENTICATION: 2,
    S.APPROVED: 1,
    S.REFUNDING: 10,
    S.REFUNDED: 1,
    S.RECHARGING: 1,
    S.RECHARGED: 1,
    S.AUDITING: 60,
}
# States in which the worker has the next step; entering one wakes it.
WORKER = frozenset(
    {
        S.APPROVED,
        S.REFUNDING,
        S.REFUNDED,
        S.RECHARGING,
        S.RECHARGED,
        S.AUDITING,
        S.NEEDS_AUTHENTICATION,
        S.LOCKED_CHARGEBACK,
        S.LOCKED_FRAUD,
    }
)
# Also looked at by the worker: a refund can fail after it was confirmed.
WATCHED = frozenset({S.RESOLVED})
