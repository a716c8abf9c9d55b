"""How far the clock can be moved at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """A jump ahead: real hours, or business days as the customer was promised them."""

    key: str
    label: str
    hours: int = 0
    business_days: int = 0


STEPS = (
    Step("1h", "1 hour", hours=1),
    Step("1d", "1 day", hours=24),
    Step("3d", "3 days", hours=72),
    Step("10b", "10 business days", business_days=10),
    Step("60b", "60 business days", business_days=60),
)
