"""What the proof of refund and the receipt say, from the case, its legs and its history."""

from dataclasses import dataclass
from datetime import date

from amends import clock, rows, settings
from amends.flow import letters
from amends.gateways import document_data as documents
from amends.gateways.customer_facts import CaseHead
from amends.gateways.document_data import RefundState
from amends.models import Account, Audit, Case, Deposit, Leg, Order, TimelineEntry
from amends.rules import promises
from amends.rules.plan import LegState

# One statement; a row for each deposit.
_KNOWN = """
FROM account LEFT JOIN order_ ON order_.id = $2
LEFT JOIN deposit ON deposit.charge_id = ANY($3)
LEFT JOIN LATERAL (
  SELECT * FROM timeline WHERE case_id = $4 ORDER BY seq DESC LIMIT 1) AS timeline ON true
WHERE account.id = $1
"""


@dataclass(frozen=True)
class Known:
    """A case with what its documents tell of it: the rows of one moment."""

    case: Case
    account: Account
    order: Order | None
    newest: TimelineEntry | None
    charged_on: dict[str, date]

    def head(self) -> documents.DocumentHead:
        """What every document of a case says of itself."""
        newest = self.newest
        return documents.DocumentHead(
            letters.company(),
            self.case.ref,
            self.case.contact_name or self.account.contact_name,
            self.account.organisation,
            clock.now(),
            documents.Record(newest.seq, newest.hash) if newest else documents.Record(0, ""),
            self.order.number if self.order else self.case.claimed_order,
            documents.Paper.of(settings.load().country),
        )

    def letter_head(self) -> CaseHead:
        seq, head = (self.newest.seq, self.newest.hash) if self.newest else (None, "")
        return letters.head_of(self.case, self.order.number if self.order else None, seq, head)

    def proof(self, refunds: list[Leg], recharge: Leg | None) -> documents.ProofOfRefund:
        return documents.ProofOfRefund(
            self.head(), self._lines(refunds), charge_line(recharge) if recharge else None
        )

    def receipt(self, refunds: list[Leg], recharge: Leg) -> documents.Receipt:
        return documents.Receipt(
            self.head(), charge_line(recharge), self._bought(), self._lines(refunds)
        )

    async def cancellation(
        self, refunds: list[Leg], ending: Leg | None
    ) -> documents.CancellationConfirmation:
        audit = await Audit.get(case_id=self.case.id).select_related("csm")
        assert audit.finished_at is not None
        return documents.CancellationConfirmation(
            self.head(),
            self._bought(),
            audit.started_on,
            promises.local_day(audit.finished_at, letters.zone()),
            letters.ended_on(ending),
            audit.csm.name if audit.csm else "",
            self._lines(refunds),
        )

    def _bought(self) -> str:
        order = self.order
        if order is None:
            return f"Order {self.case.claimed_order}"
        return f"Order {order.number}, {order.description}"

    def _lines(self, refunds: list[Leg]) -> tuple[documents.RefundLine, ...]:
        return tuple(_refund_line(leg, self.charged_on.get(leg.charge_id)) for leg in refunds)


async def known(case: Case, refunds: list[Leg]) -> Known:
    charges = [leg.charge_id for leg in refunds]
    found = await rows.joined(
        (Account, Order, Deposit, TimelineEntry),
        _KNOWN,
        case.account_id,
        case.order_id,
        charges,
        case.id,
    )
    account = rows.part(Account, found[0])
    assert account is not None, "a case has an account"
    deposits = rows.parts(Deposit, found)
    return Known(
        case,
        account,
        rows.part(Order, found[0]),
        rows.part(TimelineEntry, found[0]),
        {deposit.charge_id: deposit.charged_on for deposit in deposits},
    )


async def head(case: Case) -> documents.DocumentHead:
    """What every document of a case says of itself."""
    return (await known(case, [])).head()


def _refund_line(leg: Leg, charged_on: date | None) -> documents.RefundLine:
    confirmed = leg.confirmed_at is not None
    return documents.RefundLine(
        letters.card(leg),
        letters.amount(leg),
        _state(leg),
        leg.stripe_id or "",
        charged_on,
        letters.window(leg).sent_on if confirmed else None,
        letters.window(leg) if confirmed else None,
        leg.bank_reference,
    )


def _state(leg: Leg) -> RefundState:
    match leg.state:
        case LegState.SUCCEEDED if leg.pending_reason == "reversal":
            return RefundState.REVERSED
        case LegState.SUCCEEDED:
            return RefundState.CONFIRMED
        case LegState.PENDING:
            return RefundState.SENT
        case LegState.FAILED | LegState.CANCELED:
            return RefundState.RETURNED
        case _:
            return RefundState.WAITING


def charge_line(leg: Leg) -> documents.ChargeLine:
    assert leg.confirmed_at is not None and leg.stripe_id is not None
    return documents.ChargeLine(
        letters.card(leg),
        letters.amount(leg),
        leg.stripe_id,
        promises.local_day(leg.confirmed_at, letters.zone()),
    )
