"""Amends: refund and re-billing as one governed case.

Glossary, one word per idea in every layer:

account     a customer organisation, known by tenant id and registered billing address
order       what was sold; paid by one or more deposits
deposit     one card payment of an order; one Stripe charge
case        a customer's written request and all that follows from it ("request" on screen)
plan        the exact, versioned list of legs that moves money
leg         one movement of a plan: refund, recharge, credit or end of subscription
attempt     one intent to send a leg to Stripe, written down before the call
approval    a decision on one plan version by someone who did not prepare it
refund      money back to the card it came from
recharge    the one charge of the new card after every refund is confirmed
proof       proof of refund and receipt, sent to the customer
chargeback  a dispute at the customer's bank; it locks manual money
audit       60 business days of checks before a cancelled order is refunded
"""
