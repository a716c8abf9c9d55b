"""The days a customer can count on, computed once per page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from amends.flow import letters
from amends.queries.customer_rows import LegRow
from amends.rules import promises
from amends.rules.business_days import Calendar
from amends.rules.plan import LegState
from amends.rules.promises import Audit, Window


@dataclass(frozen=True)
class Days:
    """Today where the business is, and its calendar."""

    today: date
    calendar: Calendar
    zone: tzinfo

    def local(self, at: datetime) -> date:
        return promises.local_day(at, self.zone)

    def window(self, leg: LegRow) -> Window | None:
        """When a refund shows; a refund that is not sent has no dates."""
        if leg.state is not LegState.SUCCEEDED or leg.confirmed_at is None:
            return None
        return promises.refund_window(self.local(leg.confirmed_at), self.calendar)

    def latest(self, legs: Iterable[LegRow]) -> Window | None:
        windows = [window for leg in legs if (window := self.window(leg))]
        return promises.latest(windows) if windows else None

    def refund_if_sent_today(self) -> Window:
        return promises.refund_window(self.today, self.calendar)

    def reply_by(self, submitted_at: datetime) -> date:
        return promises.reply_by(submitted_at, self.calendar, self.zone)

    def audit(self, started_at: datetime) -> Audit:
        return promises.audit_window(self.local(started_at), self.calendar)

    def words(self, day: date) -> str:
        return promises.day_words(day, self.today)


def now() -> Days:
    return Days(letters.today(), letters.calendar(), letters.zone())
