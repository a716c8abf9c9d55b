-- 2 of 100 cases are open; the rest are resolved. 12 history rows and 3 messages each.
INSERT INTO account (tenant_id, organisation, contact_name, billing_email,
  stripe_customer_id, flag_reason, created_at)
  SELECT 'bench-' || n, 'Bench Fitness ' || n, 'Priya Raman', 'billing' || n || '@bench.example',
  'cus_bench' || n, '', now() FROM generate_series(1, %(accounts)s) n;

INSERT INTO order_ (number, account_id, description, total_minor, currency, placed_on, carrier,
  subscription_status, renewal_rule, unpaid_hold, created_at)
  SELECT 'SB-' || a.id, a.id, 'Body scanner', 200000, 'usd', current_date - 90, '', 'active', '',
  false, now() FROM account a WHERE a.tenant_id LIKE 'bench-%%';

INSERT INTO case_ (ref, account_id, order_id, kind, reason, status, version,
  status_before_lock, channel, contact_name, contact_email, answers, deposit_ids,
  claimed_order, claimed_last4, claimed_amount_minor, currency, bank_dispute_claimed, story,
  card_brand, card_funding, card_last4, card_expires, card_fingerprint, outcome_reason,
  due_at, created_at, submitted_at, closed_at)
  SELECT 'BN-' || n, o.account_id, o.id, 'rebill', 'card_not_preferred',
  CASE WHEN n %% 50 <> 0 THEN 'resolved'
  ELSE (ARRAY['submitted','triage','needs_customer','proposed','refunding'])[1 + n / 50 %% 5]
  END, 3, '', 'portal', 'Priya Raman', 'billing@bench.example', '{}', '[]', o.number,
  lpad((n %% 10000)::text, 4, '0'), 200000, 'usd', false, 'Please move the payment.',
  '', '', '', '', '', '', CASE WHEN n %% 50 = 0 THEN now() + n * interval '1 second' END,
  now() - n * interval '1 second', now() - n * interval '1 second',
  CASE WHEN n %% 50 <> 0 THEN now() END
  FROM generate_series(1, %(cases)s) n
  JOIN (SELECT id, account_id, number, row_number() OVER (ORDER BY id) AS place FROM order_
  WHERE number LIKE 'SB-%%') o ON o.place = 1 + n %% %(accounts)s;

INSERT INTO timeline (case_id, seq, action, actor_kind, actor_id, actor_name, from_status,
  to_status, reason, data, salt, commitment, at, prev_hash, hash)
  SELECT c.id, s, 'note', 'system', 'system:bench', 'bench', '', '', '', '{}', NULL,
  repeat('0', 64), now(), repeat('0', 64), md5(c.id || '-' || s) || md5(s || '-' || c.id)
  FROM case_ c CROSS JOIN generate_series(1, 12) s WHERE c.ref LIKE 'BN-%%';

INSERT INTO message (case_id, author_kind, author_id, author_name, audience, body, verified, at)
  SELECT c.id, 'customer', 'account:' || c.account_id, 'Priya Raman', 'customer',
  'Message ' || s || ' about order ' || c.claimed_order || ' and word' || c.id, true, now()
  FROM case_ c CROSS JOIN generate_series(1, 3) s WHERE c.ref LIKE 'BN-%%'
