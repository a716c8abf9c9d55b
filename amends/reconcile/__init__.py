"""Compares everything at Stripe since go-live with our rows and our ledger, to the cent."""

from amends.reconcile.progress import Busy
from amends.reconcile.report import Report
from amends.reconcile.walk import is_wanted, run

__all__ = ["Busy", "Report", "is_wanted", "run"]
