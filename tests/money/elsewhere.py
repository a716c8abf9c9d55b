"""What no path of a killed worker takes, and the test that shows it.

Acts of people are one transaction each; the rest are stops after which nothing is sent any more,
and side roads whose money has tests of its own. A wait is named by its function and first line.
"""

SHOWN: dict[str, tuple[str, ...]] = {
    "test_it_carries_a_plan_out_in_one_job_and_wakes_itself_no_more": (
        "flow.advance:work_on await jobs.defer(jobs.advance(case_id))",
        "flow.advance:work_on await _is_due(case_id)",
        "flow.advance:work_on await advance(case_id)",
        "flow.advance:_is_due await connection.execute_query_dict(_IS_DUE, [case_id, clock.now()])",
    ),
    "test_an_older_worker_skips_tells_and_does_not_loop": (
        "flow.advance:advance await newer.leave_case(case_id, error)",
    ),
    "test_a_refused_key_stops_everything_and_is_told_once": (
        "flow.advance:_advance await _key_refused(case, error)",
        "flow.advance:_key_refused await exceptions_desk.tell(",
        "flow.refund:_not_now await exceptions_desk.tell(",
    ),
    "test_it_gives_it_once_whatever_happens_to_the_call": (
        "flow.advance:_outside await subscription.look(case, leg)",
        "flow.advance:_outside await credit.look(case, leg)",
    ),
    "test_it_audits_sixty_business_days_before_anything_is_refunded": (
        "flow.advance:_by_status await cancellation.look(case)",
        "flow.advance:_start await cancellation.begin(run)",
        "flow.advance:_start await cancellation.is_audited(case)",
    ),
    "test_a_partly_refunded_rebill_sends_the_rest_and_then_charges_the_whole": (
        "flow.advance:_after_refunds await execution.confirmed_refunds_under(run)",
        'flow.proof:_refunds await held.order_by("plan_id", "position")',
    ),
    "test_an_expired_approval_sends_nothing": (
        "flow.advance:_back_to_people await moves.move(case, Action.VOID_PLAN, WORKER, "
        "reason=halt.text)",
        "flow.advance:_back_to_people await Plan.filter(case_id=case.id, voided_at=None).update(",
    ),
    "test_the_worker_halts_a_plan_that_one_person_approved_around_the_desk": (
        "flow.execution:load await _check_second(plan, draft, approval, rules)",
        "flow.execution:_check_second await Approval.filter(plan_id=plan.id, "
        'decision="agreed", digest=plan.digest).first()',
    ),
    "test_nothing_moves_twice_after_a_restore": (
        "flow.preflight:refund await strangers.lost_refund(refunds)",
        "flow.refund:_adopt_or_send await observe.refund(leg.id, there)",
        "flow.observe_intent:settle await moves.move(case, Action.REQUIRE_NEW_CARD, "
        "STRIPE, reason=leg.failure, data=data)",
        "flow.observe_intent:settle await exceptions_desk.settle(",
        "flow.observe_intent:settle await moves.move(case, Action.CONFIRM_RECHARGE, "
        "STRIPE, data=data)",
    ),
    "test_a_key_used_for_other_parameters_goes_to_a_person": (
        "flow.refund:_send await attempts.halted(attempt, error)",
        "flow.refund:_absent await exceptions_desk.tell(",
        "flow.refund:_absent await _fail(leg, attempt, code, attempt.error_text)",
        "flow.recharge:_send_create await attempts.halted(attempt, error)",
        "flow.recharge:_send_confirm await attempts.halted(attempt, error)",
        "flow.attempts:halted await _open_question(attempt, sending.KEY_MISMATCH, "
        "str(error), clock.now())",
    ),
    "test_a_refusal_after_a_retry_is_believed_only_when_nothing_can_arrive": (
        "flow.refund:_refused await attempts.refused_after_retry(attempt, error)",
        "flow.attempts:refused_after_retry await _open_question(attempt, "
        "sending.REFUSED + error.code, error.message, None)",
    ),
    "test_between_two_refunds": (
        "flow.refund:_fail await chargeback.lock(",
        "flow.refund:_fail await Case.get(id=leg.case_id)",
        'flow.refund:_stop_for await fraud.flag(case, STRIPE, f"Early fraud warning on '
        '{found.warning.charge_id}.")',
    ),
    "test_even_a_closed_exception_does_not_let_it_be_charged_twice": (
        "flow.recharge:start await _must_know_all(run.case, intents)",
        "flow.recharge:start await observe_intent.created(leg.id, there)",
        "flow.recharge:_must_know_all await strangers.lost_intent(case, intents)",
    ),
    "test_janitor_stops_after_five_keys": (
        "flow.recharge:look_for_created await attempts.close_absent(attempt)",
        "flow.recharge:look_for_created await _refused(leg, attempt.error_code, "
        "attempt.error_text)",
        "flow.recharge:_confirm_or_wait await _give_up(leg, attempt)",
        "flow.recharge:_give_up await _cancel(leg)",
        "flow.recharge:_give_up await exceptions_desk.tell(",
    ),
    "test_between_the_intent_and_its_confirmation": (
        "flow.recharge:look await make_safe(case, leg, seen)",
        "flow.recharge:make_safe await _cancel(leg)",
        "flow.recharge:stop await _cancel(leg)",
        "flow.observe_intent:_charged await exceptions_desk.tell(",
        "flow.observe_intent:_charged await timeline.append(",
        "flow.observe_intent:_charged await _check_card(leg, seen)",
    ),
    "test_each_cancel_of_an_intent_has_a_key_of_its_own": (
        "flow.recharge:_cancel await stripe.intent(leg.payment_intent_id)",
    ),
    "test_the_customer_and_the_worker_lock_in_one_order": (
        "flow.recharge:ask_authentication async with in_transaction():",
        "flow.recharge:ask_authentication await moves.move(case, Action.AUTHENTICATE, by)",
        "flow.recharge:ask_authentication await Leg.filter(id=leg.id).update(",
        "flow.recharge:ask_authentication await _waiting_leg(case)",
        'flow.recharge:ask_authentication await rows.one(Case, "WHERE id = $1 FOR '
        'UPDATE", case.id)',
        "flow.recharge:_waiting_leg await Leg.filter(",
    ),
    "test_every_order_ends_the_same": (
        "flow.recharge:returned_from_bank await jobs.defer(jobs.advance(case.id))",
        "flow.recharge:returned_from_bank await Case.filter(id=case.id, "
        "version=case.version).update(next_check_at=clock.now())",
        "flow.recharge:returned_from_bank await Leg.filter(case_id=case.id, "
        "kind=LegKind.RECHARGE).update(next_look_at=None)",
        "flow.observe:_fail_late await timeline.append(",
        "flow.observe_intent:_wants_customer await timeline.append(",
    ),
    "test_a_refund_that_appears_after_it_was_given_up_is_told": (
        "flow.observe:refund await _tell_if_given_up(case, leg, seen)",
        "flow.observe:refund await _note_reason(leg, seen)",
        "flow.observe:refund await exceptions_desk.tell(",
        "flow.observe:refund await _is_strange(leg, seen)",
        "flow.observe:_tell_if_given_up await exceptions_desk.tell(",
    ),
    "test_a_short_balance_holds_the_refund_and_the_new_charge": (
        "flow.observe:_note_reason await "
        "Leg.filter(id=leg.id).update(pending_reason=seen.pending_reason)",
    ),
    "test_it_finds_every_planted_difference_and_no_other": (
        "flow.observe:_is_strange await exceptions_desk.tell(",
        "flow.observe_intent:intent await exceptions_desk.tell(",
        "flow.observe_intent:intent await Leg.filter(id=leg.id).update(state=LegState.PENDING)",
        "flow.observe_intent:intent await attempts.settle(leg, LegState.PENDING, seen.id)",
        "flow.observe_intent:intent await _is_strange(leg, seen)",
        "flow.observe_intent:created await _is_strange(leg, seen)",
        "flow.observe_intent:_is_strange await exceptions_desk.tell(",
        "flow.observe_intent:_check_card await exceptions_desk.tell(",
        "flow.strangers:refund await _newest_case_on(seen.charge_id)",
        "flow.strangers:refund await _is_about_us(seen)",
        "flow.strangers:refund await _case_of(seen.metadata, seen.created, seen.customer_id)",
        "flow.strangers:intent await _case_of(seen.metadata, seen.created, seen.customer_id)",
        'flow.strangers:_case_of await Case.get_or_none(ref=metadata.get("case", '
        '"")).prefetch_related("account")',
        "flow.strangers:lost_refund await unknown(",
        "flow.strangers:lost_intent await unknown(",
        'flow.strangers:unknown await Leg.filter(id__in=list(ours)).values_list("id", flat=True)',
        "flow.strangers:must_be_explained await "
        "ExceptionItem.filter(kind=quarantine.LOST, case_id=case.id, resolved_at=None)",
        "flow.strangers:knows_charge await Leg.filter(result_charge_id=charge_id).exists()",
        "flow.strangers:knows_charge await Deposit.filter(charge_id=charge_id).exists()",
        "flow.strangers:_is_about_us await "
        "Account.filter(stripe_customer_id=seen.customer_id).exists()",
        "flow.strangers:_is_about_us await knows_charge(seen.charge_id)",
        "flow.strangers:_newest_case_on await Case.get(id=leg.case_id)",
        "flow.strangers:_newest_case_on await "
        'Leg.filter(charge_id=charge_id).order_by("-plan_id").first()',
    ),
    "test_each_mutant_is_caught": (
        "flow.proof:close await _check_rows(run, refunds)",
        "flow.proof:_check_at_stripe await observe.refund(leg.id, seen)",
    ),
    "test_a_manager_confirms_the_amount_again_at_the_end": (
        "flow.proof:_documents await known.cancellation(refunds, _ended(run))",
    ),
    "test_it_ends_the_same_wherever_the_worker_dies_on_each_path": (
        "flow.chargeback:lock await lock(await Case.get(id=case.id), by, reason, dispute)",
        "flow.chargeback:lock await Case.get(id=case.id)",
        "flow.fraud:_lock await _lock(await Case.get(id=case.id), by, reason)",
        "flow.fraud:_lock await Case.get(id=case.id)",
    ),
    "test_security_takes_over_a_case_that_turns_out_to_be_fraud": (
        "flow.fraud:take_over await desk.change(case, by, entry, reason=Reason.NOT_RECOGNISED)",
    ),
    "test_lifting_gives_every_frozen_case_back": (
        "flow.fraud:lift await Case.get(id=case.id)",
        "flow.fraud:lift async with in_transaction():",
        'flow.fraud:lift await exceptions_desk.settle("fraud_flag", '
        'f"account:{case.account_id}", reason, by.name)',
        'flow.fraud:lift await moves.note(case, desk.entry("lift_flag", by, reason))',
        "flow.fraud:lift await moves.move(each, Action.UNLOCK, by, reason=reason)",
        "flow.fraud:lift await Case.filter(account_id=case.account_id, status=Status.LOCKED_FRAUD)",
        "flow.fraud:lift await Account.filter(id=case.account_id, "
        "flagged_at__isnull=False).update(",
        "flow.fraud:lift await step_up.must_be_fresh(by)",
    ),
    "test_50_approvers_at_once_one_wins": (
        "moves:_update await _lost_race(case.id)",
        "moves:_lost_race await "
        'TimelineEntry.filter(case_id=case_id).exclude(to_status="").order_by("-seq").first()',
    ),
    "test_only_a_manager_takes_over_and_says_how_it_is_known": (
        "moves:note async with rows.in_transaction():",
        "moves:note await jobs.defer(*wakes)",
        "moves:note await timeline.append(case.id, entry)",
        'moves:note await rows.first(Case, "WHERE id = $1 FOR UPDATE", case.id)',
    ),
}
