"""Where to find what: what there is to try, as whom, and the page on which it begins."""

from dataclasses import dataclass
from enum import StrEnum


class Door(StrEnum):
    PORTAL = "portal"
    DESK = "desk"
    OUTSIDE = "outside"


@dataclass(frozen=True)
class Stop:
    """`who` is the customer or member of staff to come in as; `path` is below the door."""

    what: str
    who: str
    door: Door
    path: str


@dataclass(frozen=True)
class Walk:
    name: str
    stops: tuple[Stop, ...]


def _portal(what: str, who: str, path: str = "/requests") -> Stop:
    return Stop(what, who, Door.PORTAL, path)


def _desk(what: str, who: str, path: str) -> Stop:
    return Stop(what, who, Door.DESK, path)


def _found(what: str, who: str, order: str) -> Stop:
    """The cases of an order, by the desk's search."""
    return _desk(what, who, f"/search?q={order}")


WALKS = (
    Walk(
        "A refund and another card",
        (
            _portal("Ask for it: two cards, one new card", "Priya Raman", "/requests/new"),
            _found("Prove who asks, pick the charges, send a plan", "Sam Ito", "SO-10402"),
            _desk("Approve the second half of a high plan", "Ruth Adeyemi", "/approvals"),
            _desk("Refunds that are on their way", "Sam Ito", "/refunds"),
            _portal("Give another card after one was declined", "渡辺 結衣"),
            _portal("Confirm with your bank; nothing ships before", "Maya Lindholm"),
            _portal("All of it done, with proof and receipt", "Nathan Brooks"),
            _portal("An order it is not for: a clear no", "Nathan Brooks", "/requests/new"),
        ),
    ),
    Walk(
        "Something is wrong with a charge",
        (
            _desk("Charged twice: both charges side by side", "Sam Ito", "/search?q=Lakeside"),
            _found("Charged after a cancellation: counted by the day", "Sam Ito", "SO-10390"),
            _found("An unused module: two people look", "Dana Cole", "SO-10440"),
            _desk("A card nobody knows: the account is frozen", "Noor Haddad", "/security"),
            _found("Not happy: a credit that waits for a decision", "Ben Okafor", "SO-10263"),
            _portal("Declined, and still not solved", "Grace Okonkwo"),
        ),
    ),
    Walk(
        "The bank",
        (
            _desk("Disputes, deadlines, evidence once", "Lee Moreau", "/disputes"),
            _portal("A bank began, nobody had written", "Claire Dubois"),
            _portal("A bank only asks", "Łukasz Wójcik"),
            Stop("Open a dispute, decide it, warn of fraud", "", Door.OUTSIDE, "/money"),
        ),
    ),
    Walk(
        "Cancel an order",
        (
            _portal("What it means, with dates", "Claire Dubois", "/requests/new"),
            _found("Approve it; renewals stop that moment", "Dana Cole", "SO-10395"),
            _desk("The audit: checklist, more time, a named contact", "Otto Brandt", "/audits"),
            _portal("Day by day, and who answers meanwhile", "Nathan Brooks"),
            Stop("Let 60 business days pass", "", Door.OUTSIDE, "/"),
        ),
    ),
    Walk(
        "In writing",
        (
            _portal("Say whether you wrote an email", "Maya Lindholm"),
            _portal("A request that an email began", "Priya Raman"),
            _portal("Send papers that we asked for", "Jordan Reyes"),
            _desk("Mail that needs a person", "Sam Ito", "/exceptions"),
            Stop("Write to the support address as anybody", "", Door.OUTSIDE, "/mailbox/compose"),
            _desk("Every mail, to the letter", "Sam Ito", "/templates"),
        ),
    ),
    Walk(
        "Invoices, addresses, rules, the desk",
        (
            _portal("Invoices and the card for them", "Priya Raman", "/billing"),
            _desk("A new billing address waits for a manager", "Dana Cole", "/customers/ss-0088"),
            _desk("Limits, caps, and a change that waits", "Dana Cole", "/rules"),
            _desk("Labels, and cases set aside until a day", "Sam Ito", "/queue?view=snoozed"),
            _desk("Numbers of the desk", "Dana Cole", "/reports"),
            _desk("Everything that happened, chained", "Otto Brandt", "/audit-log"),
        ),
    ),
)  # fmt: skip
