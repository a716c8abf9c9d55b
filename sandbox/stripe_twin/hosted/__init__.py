"""The pages Stripe hosts: card entry, the bank's challenge, receipts, invoices, the portal."""
