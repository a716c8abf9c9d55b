"""Every screen worth a picture: who looks, and where."""

import re
from dataclasses import dataclass

from playwright.sync_api import Browser

from tests.browser import people
from tests.browser.demo import Demo
from tests.browser.people import Seat

HARBOR, CEDAR = "billing@harborfitness.example", "ap@cedarpointfitness.example"
SAKURA, NORTHGATE = "keiri@sakuragym.example", "payables@northgaterec.example"
RIVERBEND, IRONWORKS = "hello@riverbendyoga.example", "office@ironworksclub.example"
CASCADE = "admin@cascadeclimbing.example"
SUMMIT, LAKESIDE = "finance@summitstrength.example", "accounts@lakesidegym.example"
LUMIERE, ZUBR = "compta@gymlumiere.example", "ksiegowosc@silowniazubr.example"
SAM, DANA = "Sam Ito", "Dana Cole"


@dataclass(frozen=True)
class Screen:
    """`path` may hold {ref}, the newest request of `of`, or {first}, the oldest; an empty `by`
    is a visitor."""

    name: str
    by: str
    path: str
    of: str = ""
    status: int = 200

    @property
    def is_desk(self) -> bool:
        return self.by in (SAM, DANA)


PORTAL = [
    Screen("portal-start", "", "/"),
    Screen("portal-sign-in", "", "/sign-in"),
    Screen("portal-help-refunds", "", "/help/refunds"),
    Screen("portal-help-delays", "", "/help/delays"),
    Screen("portal-help-cancelling", "", "/help/cancelling"),
    Screen("portal-not-found", "", "/no-such-page", status=404),
    Screen("portal-requests", CEDAR, "/requests"),
    Screen("portal-request-done", CEDAR, "/requests/{first}", CEDAR),
    Screen("portal-proof", CEDAR, "/requests/{first}/proof", CEDAR),
    Screen("portal-receipt", CEDAR, "/requests/{first}/receipt", CEDAR),
    Screen("portal-request-in-audit", CEDAR, "/requests/{ref}", CEDAR),
    Screen("portal-request-card-declined", SAKURA, "/requests/{ref}", SAKURA),
    Screen("portal-request-new-card", SAKURA, "/requests/{ref}/card", SAKURA),
    Screen("portal-request-refund-pending", NORTHGATE, "/requests/{ref}", NORTHGATE),
    Screen("portal-request-email-to-confirm", RIVERBEND, "/requests/{first}", RIVERBEND),
    Screen("portal-request-bank-began", LUMIERE, "/requests/{first}", LUMIERE),
    Screen("portal-request-bank-asks", ZUBR, "/requests/{first}", ZUBR),
    Screen("portal-request-declined", SUMMIT, "/requests/{first}", SUMMIT),
    Screen("portal-request-reopen", SUMMIT, "/requests/{first}/reopen", SUMMIT),
    Screen("portal-request-at-the-bank", IRONWORKS, "/requests/{ref}", IRONWORKS),
    Screen("portal-request-papers", CASCADE, "/requests/{first}", CASCADE),
    Screen("portal-new-kinds", HARBOR, "/requests/new"),
    Screen("portal-billing", HARBOR, "/billing"),
    Screen("portal-account", HARBOR, "/account"),
]
DESK = [
    Screen("desk-queue", SAM, "/queue?view=all"),
    Screen("desk-case-new", SAM, "/cases/{ref}", "admin@cascadeclimbing.example"),
    Screen("desk-case-triage", SAM, "/cases/{ref}", "accounts@lakesidegym.example"),
    Screen("desk-case-locked", SAM, "/cases/{ref}", IRONWORKS),
    Screen("desk-case-done", SAM, "/cases/{first}", CEDAR),
    Screen("desk-identity", SAM, "/cases/{ref}/identity", "accounts@lakesidegym.example"),
    Screen("desk-log", SAM, "/cases/{first}/log", CEDAR),
    Screen("desk-queue-set-aside", SAM, "/queue?view=snoozed"),
    Screen("desk-case-charged-twice", SAM, "/cases/{first}", LAKESIDE),
    Screen("desk-case-after-cancellation", SAM, "/cases/{ref}", SUMMIT),
    Screen("desk-case-email-not-confirmed", SAM, "/cases/{first}", RIVERBEND),
    Screen("desk-disputes", SAM, "/disputes"),
    Screen("desk-mail-bank-dispute", SAM, "/templates/bank_dispute"),
    Screen("desk-refunds", SAM, "/refunds"),
    Screen("desk-search", SAM, "/search?q=harbor"),
    Screen("desk-customer", SAM, "/customers/hf-0213"),
    Screen("desk-reports", DANA, "/reports"),
    Screen("desk-approvals", DANA, "/approvals"),
    Screen("desk-approve", DANA, "/approvals/{ref}", "bills@pulsepilates.example"),
    Screen("desk-exceptions", DANA, "/exceptions"),
    Screen("desk-rules", DANA, "/rules"),
    Screen("desk-rules-change", DANA, "/rules/change"),
    Screen("desk-audits", DANA, "/audits"),
    Screen("desk-case-audit", DANA, "/cases/{ref}", CEDAR),
    Screen("desk-case-module", DANA, "/cases/{ref}", "bills@pulsepilates.example"),
    Screen("desk-case-papers", SAM, "/cases/{first}", CASCADE),
    Screen("desk-address", DANA, "/customers/ss-0088"),
    Screen("desk-mails", DANA, "/templates"),
    Screen("desk-oversight", DANA, "/oversight"),
    Screen("desk-profile", DANA, "/profile"),
]
SCREENS = [*PORTAL, *DESK]


class Visitors:
    """One signed-in browser per person, kept for all their screens."""

    def __init__(self, chromium: Browser, demo: Demo) -> None:
        self.chromium, self.demo = chromium, demo
        self._seats: dict[str, Seat] = {}
        self._refs: dict[str, tuple[str, str]] = {}

    def seat(self, by: str) -> Seat:
        if by not in self._seats:
            made = people.seat(self.chromium, self.demo, script=True)
            if by in (SAM, DANA):
                people.sign_in_staff(made, by)
            elif by:
                people.sign_in_customer(made, by)
            self._seats[by] = made
        return self._seats[by]

    def refs(self, address: str) -> tuple[str, str]:
        """The customer's oldest and newest request, as their own list shows them."""
        if address not in self._refs:
            seat = self.seat(address)
            seat.page.goto(f"{self.demo.portal}/requests")
            found = re.findall(r"RB-\d+", seat.main())
            assert found, f"{address} has no request"
            self._refs[address] = min(found), max(found)
        return self._refs[address]

    def show(self, screen: Screen) -> Seat:
        """The screen, as the person sees it."""
        first, ref = self.refs(screen.of) if screen.of else ("", "")
        seat = self.seat(screen.by)
        door = self.demo.desk if screen.is_desk else self.demo.portal
        answer = seat.page.goto(door + screen.path.format(ref=ref, first=first))
        assert answer is not None and answer.status == screen.status, (screen.name, answer)
        return seat
