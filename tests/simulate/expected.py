"""What has to happen in a long run, and which invariants of TRUST.md section 3 are looked at."""

from collections import Counter

from sandbox.stripe_twin.faults import FaultKind

# With this many seeds, something that never happened is a mistake of the simulation.
ENOUGH = 500
HAPPENS = (
    *(f"fault: {kind}" for kind in FaultKind),
    "request arrived after its sender gave up or died",
    "webhook lost",
    "webhook twice",
    "webhooks out of order",
    "webhook inside the call",
    "killed",
    "cancelled",
    "ended at: statement",
    "ended at: begin",
    "ended inside a transaction",
    "ended at: committed",
    "ended at: call",
    "ended at: answered",
    "two workers at once",
    "approved at the desk",
    "approval refused: decided or changed meanwhile",
    "plan edited while it waited",
    "edit refused: decided meanwhile",
    "machine slept",
    "clock set back",
    "clock set forward",
    "mishap: dispute",
    "mishap: inquiry",
    "mishap: warning",
    "mishap: late",
    "mishap: dashboard",
    "mishap: balance",
    "balance short from the start",
    "refund failed",
    "card declined",
    "another card approved",
    "customer asked for the bank's page",
    "bank asked for the cardholder",
    "bank said yes",
    "bank said no",
    "watched for 50 days",
)
INVARIANTS = {
    "I1": "refunds never exceed the charge: at each change at Stripe",
    "I2": "one refund per leg: at each change",
    "I3": "refunded where the money came from: end",
    "I4": "no charge before its refunds are confirmed: at the moment of the charge",
    "I5": "one charge per case: at each change",
    "I6": "right amount, currency, customer and card: end",
    "I7": "the approver is not the preparer: end",
    "I8": "the approver had the right, two approvals are two people: end",
    "I9": "approved is executed: end, by digest, amount and metadata",
    "I10": "no effect without a case and an approval: end",
    "I11": "a plan is approved once: end",
    "I12": "nothing is sent before the approval or for a void plan: end",
    "I13": "nothing is sent after the approval expired: end",
    "I14": "nothing is decided under a known dispute or warning: end",
    "I16": "one hold per charge: end",
    "I17": "the intent is older than the effect: end",
    "I18": "a key belongs to one attempt: end",
    "I19": "a leg never goes back: each step, kept by a trigger",
    "I20": "the ledger balances: end",
    "I21": "the ledger is Stripe's to the cent: end",
    "I22": "done means done, and proven: end",
    "I23": "with the faults off everything comes to rest or to a person: end",
    "I24": "who waits for a person has a date: end",
    "I25": "one proof and one mail per outcome: end",
    "I26": "every change of state is in the history: end",
    "I27": "the history's chain holds: end",
    "I28": "no card number in any table: each database, before it is thrown away",
    "I33": "times in order, but for the clock's own error: end",
}
ELSEWHERE = {
    "I15": "no re-bill when the card is not recognised: tests/flow, a database constraint",
    "I29": "a customer sees only their own: tests/portal",
    "I30": "the limit cannot be split: tests/flow",
    "I31": "cancellation stops collection: tests/flow",
    "I32": "never more than owed by reason: tests/rules",
    "I34": "quarantine after a restore: tests/reconcile",
}


def missing(seen: Counter[str], seeds: int) -> list[str]:
    """What should have happened in a run of this length and did not."""
    return [name for name in HAPPENS if not seen[name]] if seeds >= ENOUGH else []
