"""A Stripe stand-in that the real Stripe library drives: deterministic, in memory, with faults."""
