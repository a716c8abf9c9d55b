"""A moment in a sentence, in the company's time zone: Nov 23, 10:02 am."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import dates

from amends import settings


def words(at: datetime) -> str:
    local = at.astimezone(ZoneInfo(settings.load().time_zone))
    half = "am" if local.hour < 12 else "pm"
    day = dates.format_date(local.date(), "MMM d", locale="en_US")
    return f"{day}, {local.hour % 12 or 12}:{local.minute:02d} {half}"
