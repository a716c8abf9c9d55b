"""Deterministic simulation: the real flow code, a seeded schedule, seeded faults, virtual time."""
