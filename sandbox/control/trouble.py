"""What can be made to go wrong from the control page, and what Amends has to do about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sandbox.control.outside import Outside
from sandbox.stripe_twin.faults import Fault, FaultKind

REFUND = "POST /v1/refunds"
CONFIRM = "POST /v1/payment_intents/*/confirm"
ANY_CALL = "*"

Act = Callable[[Outside], Awaitable[None]]


def _always(outside: Outside) -> bool:
    return True


@dataclass(frozen=True)
class Trouble:
    """One button. `then` says what Amends is expected to do."""

    key: str
    button: str
    title: str
    then: str
    act: Act
    offered: Callable[[Outside], bool] = _always


@dataclass(frozen=True)
class Group:
    name: str
    troubles: tuple[Trouble, ...]


def _stripe(match: str, kind: FaultKind, times: int = 1) -> Act:
    async def act(outside: Outside) -> None:
        outside.world.faults.add(match, kind, times)

    return act


async def _lose_webhooks(outside: Outside) -> None:
    outside.world.webhooks.drop(5)


async def _hold_webhooks(outside: Outside) -> None:
    outside.world.webhooks.hold()


async def _send_webhooks(outside: Outside) -> None:
    outside.world.webhooks.flush()


async def _double_webhooks(outside: Outside) -> None:
    outside.world.webhooks.duplicate(5)


async def _refuse_mail(outside: Outside) -> None:
    outside.mail.faults.refuse_next(3)


async def _reject_mail(outside: Outside) -> None:
    outside.mail.faults.reject_next(1)


async def _mail_down(outside: Outside) -> None:
    await outside.mail.stop()


async def _mail_up(outside: Outside) -> None:
    await outside.mail.start()


async def _provider_down(outside: Outside) -> None:
    outside.provider.faults.down = True


async def _provider_up(outside: Outside) -> None:
    outside.provider.faults.down = False


async def clear(outside: Outside) -> None:
    """Everything works again."""
    outside.world.faults.clear()
    outside.world.webhooks.flush()
    outside.mail.faults.clear()
    await outside.mail.start()
    outside.provider.faults.clear()


GROUPS = (
    Group(
        "Stripe",
        (
            Trouble(
                "lose-refund",
                "Lose it",
                "Lose the answer to the next refund",
                "Stripe refunds, then hangs up. Amends looks for the refund before it tries again.",
                _stripe(REFUND, FaultKind.LOST_RESPONSE),
            ),
            Trouble(
                "time-out-refund",
                "Keep silent",
                "Never answer the next refund",
                "Stripe refunds and stays silent. Amends gives up waiting and asks later.",
                _stripe(REFUND, FaultKind.TIMEOUT_AFTER),
            ),
            Trouble(
                "error-refund",
                "Break it",
                "Answer 500 after the next refund",
                "The refund exists although Stripe reports an error. Amends finds it.",
                _stripe(REFUND, FaultKind.ERROR_500_AFTER),
            ),
            Trouble(
                "lose-recharge",
                "Lose it",
                "Lose the answer to the next new-card charge",
                "Stripe charges, then hangs up. The card is never charged twice.",
                _stripe(CONFIRM, FaultKind.LOST_RESPONSE),
            ),
            Trouble(
                "rate-limit",
                "Refuse",
                "Too many requests: refuse the next 5 calls",
                "Amends slows down and repeats them.",
                _stripe(ANY_CALL, FaultKind.RATE_LIMIT_429, 5),
            ),
        ),
    ),
    Group(
        "Webhooks",
        (
            Trouble(
                "hold-webhooks",
                "Hold",
                "Hold webhooks back",
                "Amends hears nothing, so it asks Stripe by itself.",
                _hold_webhooks,
                lambda outside: not outside.world.webhooks.weather.held,
            ),
            Trouble(
                "send-webhooks",
                "Send",
                "Send the held webhooks",
                "They arrive late. Nothing happens twice.",
                _send_webhooks,
                lambda outside: outside.world.webhooks.weather.held,
            ),
            Trouble(
                "lose-webhooks",
                "Lose",
                "Lose the next 5 webhooks",
                "They never arrive. Amends finds out by asking.",
                _lose_webhooks,
            ),
            Trouble(
                "double-webhooks",
                "Double",
                "Send the next 5 webhooks twice",
                "The second copy changes nothing.",
                _double_webhooks,
            ),
        ),
    ),
    Group(
        "Mail",
        (
            Trouble(
                "refuse-mail",
                "Refuse",
                "Refuse the next 3 mails for now",
                "The mail server says try again later (451). Each mail arrives in the end.",
                _refuse_mail,
            ),
            Trouble(
                "reject-mail",
                "Reject",
                "Reject the next mail for good",
                "The mail server says no (550). Staff see that the customer was not reached.",
                _reject_mail,
            ),
            Trouble(
                "mail-down",
                "Stop",
                "Stop the mail server",
                "Money moves on; mail waits.",
                _mail_down,
                lambda outside: outside.mail.is_accepting,
            ),
            Trouble(
                "mail-up",
                "Start",
                "Start the mail server",
                "Waiting mail goes out.",
                _mail_up,
                lambda outside: not outside.mail.is_accepting,
            ),
        ),
    ),
    Group(
        "Identity provider",
        (
            Trouble(
                "identity-down",
                "Stop",
                "Stop the identity provider",
                "Nobody can sign in or approve. Open pages can still be read.",
                _provider_down,
                lambda outside: not outside.provider.faults.down,
            ),
            Trouble(
                "identity-up",
                "Start",
                "Start the identity provider",
                "Sign-in works again.",
                _provider_up,
                lambda outside: outside.provider.faults.down,
            ),
        ),
    ),
)

BY_KEY = {trouble.key: trouble for group in GROUPS for trouble in group.troubles}


_IN_WORDS = {
    (REFUND, FaultKind.LOST_RESPONSE): "The answer to the next refund is lost",
    (REFUND, FaultKind.TIMEOUT_AFTER): "The next refund is not answered",
    (REFUND, FaultKind.ERROR_500_AFTER): "The next refund is answered 500",
    (CONFIRM, FaultKind.LOST_RESPONSE): "The answer to the next new-card charge is lost",
}


def armed(outside: Outside) -> list[str]:
    """What waits to go wrong, or is wrong now."""
    weather, mail = outside.world.webhooks.weather, outside.mail
    now = {
        "Webhooks are held back": weather.held,
        f"The next {weather.drop} webhooks are lost": weather.drop,
        f"The next {weather.duplicate} webhooks are sent twice": weather.duplicate,
        f"Mails to be refused for now: {mail.faults.temporary}": mail.faults.temporary,
        f"Mails to be rejected: {mail.faults.permanent}": mail.faults.permanent,
        "The mail server is down": not mail.is_accepting,
        "The identity provider is down": outside.provider.faults.down,
    }
    at_stripe = [_in_words(fault) for fault in outside.world.faults.list()]
    return at_stripe + [sentence for sentence, is_so in now.items() if is_so]


def _in_words(fault: Fault) -> str:
    if (fault.match, fault.kind) == (ANY_CALL, FaultKind.RATE_LIMIT_429):
        return f"Calls to be refused as too many: {fault.times}"
    plain = f"{fault.kind.replace('_', ' ')} at {fault.match}"
    return _IN_WORDS.get((fault.match, fault.kind), plain)
