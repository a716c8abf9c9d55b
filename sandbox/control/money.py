"""The money page: every movement at the twin, totals, and what can be done to each of them."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox import pages
from sandbox.control import acts, answers
from sandbox.control.outside import Outside
from sandbox.stripe_twin.ledger import LedgerRow

PAGE_SIZE = 100
SHORT_MINOR = 100
FULL_MINOR = 100_000_000


@dataclass(frozen=True)
class Total:
    """One currency's sums; refunds and disputes are negative."""

    currency: str
    charged_minor: int
    refunded_minor: int
    other_minor: int

    @property
    def net_minor(self) -> int:
        return self.charged_minor + self.refunded_minor + self.other_minor


def totals(rows: list[LedgerRow]) -> list[Total]:
    currencies = sorted({row.currency for row in rows})
    return [
        _total(currency, [r for r in rows if r.currency == currency]) for currency in currencies
    ]


def _total(currency: str, rows: list[LedgerRow]) -> Total:
    charged = sum(r.amount_minor for r in rows if r.kind == "charge")
    refunded = sum(r.amount_minor for r in rows if r.kind.startswith("refund"))
    everything = sum(r.amount_minor for r in rows)
    return Total(currency, charged, refunded, everything - charged - refunded)


async def show(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    everything = outside.world.ledger()
    find = request.query_params.get("find", "").strip()
    skip = answers.number(request.query_params.get("skip", ""))
    found = [row for row in reversed(everything) if _matches(row, find)]
    return answers.page(
        request,
        "control/money.html",
        rows=found[skip : skip + PAGE_SIZE],
        older=skip + PAGE_SIZE if len(found) > skip + PAGE_SIZE else 0,
        find=find,
        totals=totals(everything),
        failures=acts.FAILURES,
        limits={t.currency: outside.world.balance.limit(t.currency) for t in totals(everything)},
    )


def _matches(row: LedgerRow, find: str) -> bool:
    return not find or find in (row.object_id, row.charge_id, row.card_last4, row.kind, row.status)


async def set_balance(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    form = await request.form()
    currency = str(form.get("currency", "usd"))
    amount_minor = SHORT_MINOR if form.get("level") == "short" else FULL_MINOR
    outside.world.set_available_balance(currency, amount_minor)
    sentence = f"{pages.money(amount_minor, currency)} is now available at Stripe."
    return answers.done(request, sentence, back="/money")
