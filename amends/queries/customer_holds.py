"""What an own request waits for beside the money: papers that were asked for, an unpaid order."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Of the case `c` and its order `o`, as JSON.
SOURCE = """(SELECT row_to_json(x) FROM (
  SELECT check_.verdict, check_.reason, o.unpaid_hold, o.handed_over_on IS NULL AS unshipped,
    EXISTS (SELECT 1 FROM message m
      WHERE m.case_id = c.id AND NOT m.verified AND m.author_kind = 'customer') AS emails
  FROM (SELECT 1) AS always
  LEFT JOIN LATERAL (SELECT verdict, reason FROM identity_check i
    WHERE i.case_id = c.id AND i.fact = 'verification' ORDER BY i.id DESC LIMIT 1) check_ ON TRUE
) x)"""


class Papers(StrEnum):
    """How far the papers are, as their owner may know it."""

    NOT_ASKED = "not_asked"
    ASKED = "asked"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Holds:
    """`because` says why papers were refused; `unpaid` holds back what has not shipped; `emails`
    says that mail came in the customer's name, which they may not have said anything about."""

    papers: Papers
    because: str
    unpaid: bool
    emails: bool = False


NO_HOLDS = Holds(Papers.NOT_ASKED, "", unpaid=False)
_BY_VERDICT = {
    None: Papers.NOT_ASKED,
    "match": Papers.ACCEPTED,
    "overridden": Papers.ACCEPTED,
    "mismatch": Papers.REFUSED,
    "unknown": Papers.ASKED,
}


def read(row: Mapping[str, Any]) -> Holds:
    """What `SOURCE` found, in words."""
    papers = _BY_VERDICT[row["verdict"]]
    because = row["reason"] if papers is Papers.REFUSED else ""
    unpaid = bool(row["unpaid_hold"] and row["unshipped"])
    return Holds(papers, because, unpaid, row["emails"])
