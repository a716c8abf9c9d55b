"""Asks Stripe what a key may do, without changing anything there."""

import asyncio

import httpx2

from amends.commands.probes import PATIENCE_S, Finding
from amends.rights import Process
from amends.settings import STRIPE_API_VERSION, Settings

_READS = {
    Process.WORKER: (
        "customers",
        "charges",
        "refunds",
        "payment_intents",
        "disputes",
        "subscriptions",
        "invoices",
        "events",
        "balance_transactions",
    ),
    Process.PORTAL: ("customers", "charges", "invoices"),
    Process.BACKOFFICE: ("customers", "charges", "refunds", "disputes", "payment_intents"),
}
# Sent without the parameters that Stripe demands: 400 means "allowed, but say what", 403 "no".
_MONEY = ("refunds", "payment_intents")
_MOVES = "This key moves money, and the {process} must not. Give it a restricted key."
_AT_START_S = 3
_KEYS = "Change the key's permissions in the Stripe Dashboard, under API keys."


ASKED = tuple(_READS)


async def stripe_key(settings: Settings, process: Process) -> Finding:
    key = settings.stripe_secret_key.get_secret_value()
    if not key:
        return Finding("stripe", todo="Set AMENDS_STRIPE_SECRET_KEY to a restricted key.")
    headers = {"Authorization": f"Bearer {key}", "Stripe-Version": STRIPE_API_VERSION}
    async with httpx2.AsyncClient(
        base_url=f"{settings.stripe_api_base}/v1/", headers=headers, timeout=PATIENCE_S
    ) as client:
        try:
            reads = await _all(client, "GET", _READS[process])
            moves = await _all(client, "POST", _MONEY)
        except httpx2.HTTPError:
            words = f"Stripe does not answer at {settings.stripe_api_base}. Check the network."
            return Finding("stripe", todo=words)
    return _judged(process, key, reads, moves)


async def moves_money(settings: Settings, process: Process) -> str:
    """Asked once when a door starts. Only a clear answer counts: Stripe may be away."""
    key = settings.stripe_secret_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}", "Stripe-Version": STRIPE_API_VERSION}
    base = f"{settings.stripe_api_base}/v1/"
    async with httpx2.AsyncClient(base_url=base, headers=headers, timeout=_AT_START_S) as client:
        try:
            moves = await _all(client, "POST", _MONEY)
        except httpx2.HTTPError:
            return ""
    allowed = [path for path, status in moves.items() if status == 400]
    return _MOVES.format(process=process) if allowed else ""


async def _all(client: httpx2.AsyncClient, method: str, paths: tuple[str, ...]) -> dict[str, int]:
    calls = (client.request(method, path, params=_ONE.get(method)) for path in paths)
    answers = await asyncio.gather(*calls)
    return {path: answer.status_code for path, answer in zip(paths, answers, strict=True)}


_ONE = {"GET": {"limit": 1}}


def _judged(process: Process, key: str, reads: dict[str, int], moves: dict[str, int]) -> Finding:
    seen = {**moves, **reads}.values()
    if 401 in seen:
        words = "Stripe does not know this key. Set AMENDS_STRIPE_SECRET_KEY to one that exists."
        return Finding("stripe", todo=words)
    if max(seen) >= 500 or 429 in seen:
        return Finding("stripe", todo="Stripe answers with an error now. Try again later.")
    if hidden := [path for path, status in reads.items() if status == 403]:
        return Finding("stripe", todo=f"The key may not read {', '.join(hidden)}. {_KEYS}")
    barred = [path for path, status in moves.items() if status == 403]
    if process is Process.WORKER and barred:
        return Finding("stripe", todo=f"The key may not write {', '.join(barred)}. {_KEYS}")
    if process is not Process.WORKER and len(barred) < len(moves):
        return Finding("stripe", todo=_MOVES.format(process=process))
    return Finding("stripe", f"{'live' if '_live_' in key else 'test'} key, right permissions")
