"""What has to follow when a demo with a past is started on another port."""

import httpx2
import psycopg

from amends.commands.demo_plan import Plan

_KEY = {"Authorization": "Bearer sk_test_worker"}


def move_people(plan: Plan, database_url: str) -> None:
    """The provider's address is part of who somebody is."""
    issuer = f"{plan.url('sandbox')}/idp"
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE person SET issuer = %s WHERE issuer <> %s", (issuer, issuer))


def drop_old_endpoints(plan: Plan) -> None:
    """The twin would go on knocking at the old port for three days."""
    with httpx2.Client(base_url=plan.url("sandbox"), headers=_KEY) as client:
        for endpoint in client.get("/stripe/v1/webhook_endpoints").json()["data"]:
            if not endpoint["url"].startswith(f"{plan.url('portal')}/"):
                client.delete(f"/stripe/v1/webhook_endpoints/{endpoint['id']}")
