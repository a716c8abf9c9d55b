"""A shop with a past: customers, charges, orders, and requests in all states, for the demo."""
