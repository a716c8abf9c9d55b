"""What the outside world does to one charge, refund or dispute."""

import zlib

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import pages
from sandbox.control import answers
from sandbox.control.outside import Outside
from sandbox.stripe_twin import money as twin_money

FAILURES = (
    "lost_or_stolen_card",
    "expired_or_canceled_card",
    "insufficient_funds",
    "declined",
    "merchant_request",
    "unknown",
)


def routes() -> list[Route]:
    acts = {
        "/charges/{charge_id}/dispute": dispute,
        "/charges/{charge_id}/inquiry": inquiry,
        "/charges/{charge_id}/fraud-warning": fraud_warning,
        "/charges/{charge_id}/dashboard-refund": dashboard_refund,
        "/disputes/{dispute_id}/verdict": verdict,
        "/refunds/{refund_id}/failure": fail_refund,
        "/refunds/{refund_id}/settlement": settle_refund,
        "/refunds/{refund_id}/reference": set_reference,
    }
    return [Route(path, act, methods=["POST"]) for path, act in acts.items()]


async def dispute(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    charge_id = request.path_params["charge_id"]
    outside.world.open_dispute(charge_id)
    return answers.done(request, f"A dispute was opened on {charge_id}.", back="/money")


async def fraud_warning(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    charge_id = request.path_params["charge_id"]
    outside.world.warn_fraud(charge_id)
    return answers.done(request, f"Stripe warned of fraud on {charge_id}.", back="/money")


async def inquiry(request: Request) -> Response:
    """The bank only asks; the charge can still be refunded."""
    outside: Outside = request.app.state.outside
    charge_id = request.path_params["charge_id"]
    outside.world.open_inquiry(charge_id)
    return answers.done(request, f"The bank asks about {charge_id}.", back="/money")


async def verdict(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    dispute_id = request.path_params["dispute_id"]
    verdict = str((await request.form()).get("verdict", ""))
    if verdict not in ("won", "lost"):
        raise HTTPException(422, "A dispute is won or lost.")
    outside.world.close_dispute(dispute_id, verdict)
    return answers.done(request, f"The dispute {dispute_id} is {verdict}.", back="/money")


async def dashboard_refund(request: Request) -> Response:
    """A refund that somebody made in Stripe's Dashboard, behind the application's back."""
    outside: Outside = request.app.state.outside
    charge_id = request.path_params["charge_id"]
    currency = next((r.currency for r in outside.world.ledger() if r.charge_id == charge_id), "usd")
    amount_minor = _minor(str((await request.form()).get("amount", "")), currency)
    outside.world.refund_in_dashboard(charge_id, amount_minor)
    sentence = (
        f"{pages.money(amount_minor, currency)} of {charge_id} was refunded in the Dashboard."
    )
    return answers.done(request, sentence, back="/money")


async def fail_refund(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    refund_id = request.path_params["refund_id"]
    reason = str((await request.form()).get("reason", ""))
    if reason not in FAILURES:
        raise HTTPException(422, "There is no such reason.")
    outside.world.fail_refund(refund_id, reason)
    sentence = f"{refund_id} failed: {reason.replace('_', ' ')}."
    return answers.done(request, sentence, back="/money")


async def settle_refund(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    refund_id = request.path_params["refund_id"]
    outside.world.settle_refund(refund_id)
    return answers.done(request, f"{refund_id} was settled.", back="/money")


async def set_reference(request: Request) -> Response:
    """The bank's trace number arrives; any number will do, so one is made of the refund's id."""
    outside: Outside = request.app.state.outside
    refund_id = request.path_params["refund_id"]
    number = f"{zlib.crc32(refund_id.encode()):023}"
    outside.world.set_reference(refund_id, number)
    return answers.done(request, f"{refund_id} has the trace number {number}.", back="/money")


def _minor(text: str, currency: str) -> int:
    """ "12.50" -> 1250, exactly."""
    whole, _, fraction = text.strip().replace(",", "").partition(".")
    places = twin_money.decimals(currency)
    if not whole.isdigit() or (fraction and not fraction.isdigit()) or len(fraction) > places:
        raise HTTPException(422, "Write the amount as in 12.50.")
    return int(whole + fraction.ljust(places, "0"))
