"""The outside world on one machine: Stripe twin, identity provider, mail server, shared clock."""
