"""Emails that nobody vouched for leave the exceptions desk when their customer has spoken.

The portal, where customers speak, may change no row of that desk; the worker looks every few
minutes. What a customer denied has a row of its own there, which stays.
"""

from tortoise import connections

from amends import clock

_SETTLE = """
UPDATE exception_item x SET resolved_at = $1, resolved_by = 'the facts', resolution =
  CASE WHEN EXISTS (SELECT 1 FROM case_ c WHERE c.id = x.case_id AND c.closed_at >= x.opened_at)
  THEN 'The case ended.' ELSE 'The customer said whose it is.' END
WHERE x.kind = 'unverified_mail' AND x.resolved_at IS NULL AND x.case_id IS NOT NULL AND (
  EXISTS (SELECT 1 FROM case_ c WHERE c.id = x.case_id AND c.closed_at >= x.opened_at)
  OR NOT EXISTS (
    SELECT 1 FROM message m
    WHERE m.case_id = x.case_id AND NOT m.verified AND m.author_kind = 'customer'
    AND NOT EXISTS (
      SELECT 1 FROM timeline t WHERE t.case_id = m.case_id
      AND t.action IN ('confirm_email', 'deny_email') AND t.data->>'message' = m.id::text)))
RETURNING x.id
"""


async def settle() -> int:
    """Returns how many rows were settled."""
    return len(await connections.get("default").execute_query_dict(_SETTLE, [clock.now()]))
