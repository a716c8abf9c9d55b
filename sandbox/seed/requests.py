"""Requests in all states, so that no list of the desk is empty when the demo starts."""

from datetime import timedelta

from amends import policies
from amends.flow import billing_address, rule_changes, shelf, triage, verification
from amends.flow import cancellation as cancellations
from amends.models import Account, Case
from amends.rules.plan import Outcome
from amends.rules.workflow import Kind, Reason
from sandbox.seed import asking, outside, waits, wrong_charges
from sandbox.seed.asking import Request
from sandbox.seed.stage import Stage


async def play(stage: Stage) -> None:
    """In the order of time, as far as one request lets another wait."""
    stage.at(ago=60)
    await stage.everybody()
    await finished_rebill(stage)
    await in_audit(stage)
    await declined(stage)
    await wrong_charges.charged_twice(stage)
    await at_the_bank(stage)
    await overdue(stage)
    await card_declined(stage)
    await wrong_charges.after_cancellation(stage)
    await outside.banks(stage)
    await question_open(stage)
    await waits_for_a_manager(stage)
    await papers_open(stage)
    await cancellation(stage)
    await waits.for_a_second_approval(stage)
    await waits.for_the_customers_bank(stage)
    await refund_under_way(stage)
    await credit_waits(stage)
    await not_recognised(stage)
    await waits_for_second_people(stage)
    await outside.emails(stage)
    await just_arrived(stage)
    await labels(stage)


async def finished_rebill(stage: Stage) -> None:
    stage.at(ago=27, hour=9.4)
    case = await asking.file(
        stage,
        Request(
            "cp-0490", "SO-10427", Kind.REBILL, Reason.SPLIT_CARDS, "2002",
            "We paid this with two cards and our bookkeeper needs it on the company card.",
            card="saved",
        ),
    )  # fmt: skip
    stage.at(ago=26, hour=10.2)
    case = await asking.check(stage, case, "sam.ito")
    why = "Two deposits, both on file. New card saved and verified; the customer's own wish."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.REBILL, why)
    stage.at(ago=26, hour=14.5)
    await stage.work(await asking.approve(stage, plan, "dana.cole", "Adds up to the cent."))


async def in_audit(stage: Stage) -> None:
    stage.at(ago=20, hour=9.0)
    case = await asking.file(
        stage,
        Request(
            "cp-0490", "SO-10383", Kind.CANCELLATION, Reason.CANCEL_ORDER, "2002",
            "We end the nutrition courses and do not need the module any more.",
        ),
    )  # fmt: skip
    stage.at(ago=19, hour=10.0)
    case = await asking.check(stage, case, "sam.ito")
    why = "The customer confirmed the terms. Nothing disputed, subscription active."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.CANCELLATION, why)
    stage.at(ago=19, hour=15.0)
    case = await stage.work(await asking.approve(stage, plan, "ruth.adeyemi", "Audit as usual."))
    stage.at(ago=12, hour=11.0)
    otto = await stage.staff("otto.brandt")
    for item in ("deposits", "disputes"):
        await cancellations.tick(await Case.get(id=case.id), otto, item)


async def declined(stage: Stage) -> None:
    stage.at(ago=18, hour=11.0)
    case = await asking.file(
        stage,
        Request(
            "ss-0088", "SO-10340", Kind.DISPUTE, Reason.DISSATISFIED, "7731",
            "The replacement camera works, but we expected a wider angle.", part="100.00",
        ),
    )  # fmt: skip
    stage.at(ago=17, hour=9.1)
    case = await asking.check(stage, case, "sam.ito")
    told = (
        "The camera does what its description says, so we cannot refund a part of it. You can "
        "return it unused until the end of next month for a full refund."
    )
    why = "Works as described; not a billing fault. Return offered."
    await triage.decline(case, await stage.staff("sam.ito"), why, told)
    await stage.send_post()


async def at_the_bank(stage: Stage) -> None:
    stage.at(ago=5, hour=15.3)
    case = await asking.file(
        stage,
        Request(
            "ia-0142", "SO-10418", Kind.DISPUTE, Reason.DISSATISFIED, "9047",
            "The scanner came five weeks late. We asked our bank to take the payment back.",
            bank=True,
        ),
    )  # fmt: skip
    # The dispute at Stripe is found, with its deadline.
    await stage.work(case)


async def overdue(stage: Stage) -> None:
    stage.at(ago=6, hour=9.8)
    case = await asking.file(
        stage,
        Request(
            "lg-0417", "SO-10402", Kind.REBILL, Reason.CARD_NOT_ACCESSIBLE, "8812",
            "The card belonged to a partner who left. Please move the payment to our new card.",
            card="saved",
        ),
    )  # fmt: skip
    stage.at(ago=6, hour=11.5)
    case = await triage.claim(case, await stage.staff("sam.ito"))
    await triage.note(case, await stage.staff("sam.ito"), "Waiting for the courier's note first.")


async def card_declined(stage: Stage) -> None:
    stage.at(ago=5, hour=8.2)
    case = await asking.file(
        stage,
        Request(
            "sg-0603", "SO-10377", Kind.REBILL, Reason.CARD_NOT_PREFERRED, "0450",
            "支払いを新しいカードに変更してください。", card="declines",
        ),
    )  # fmt: skip
    stage.at(ago=4, hour=9.0)
    case = await asking.check(stage, case, "sam.ito")
    why = "The customer prefers the new card. Deposit is on file, nothing disputed."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.REBILL, why)
    stage.at(ago=4, hour=13.0)
    await stage.work(await asking.approve(stage, plan, "ruth.adeyemi", ""))


async def question_open(stage: Stage) -> None:
    stage.at(ago=3, hour=10.0)
    case = await asking.file(
        stage,
        Request(
            "ry-0356", "SO-10433", Kind.DISPUTE, Reason.MODULE_UNUSED, "3310",
            "We never used the breathing module.",
        ),
    )  # fmt: skip
    stage.at(ago=2, hour=9.5)
    case = await asking.check(stage, case, "sam.ito")
    question = (
        "Our system shows that the module was switched on in October at your second studio. "
        "Did somebody try it there, or was that by mistake?"
    )
    await asking.ask(stage, case, "sam.ito", question)


async def waits_for_a_manager(stage: Stage) -> None:
    stage.at(ago=2, hour=13.0)
    case = await asking.file(
        stage,
        Request(
            "pp-0274", "SO-10440", Kind.DISPUTE, Reason.MODULE_UNUSED, "7409",
            "The flexibility module was never set up on our scanner, so we could not use it.",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=10.0)
    case = await asking.check(stage, case, "sam.ito")
    view = "No activation since the purchase, and nobody was trained on it. Refund it in full."
    case = await asking.weigh_module(stage, case, "sam.ito", "ben.okafor", view)
    why = "No activation in our records since the purchase. Full refund of the module."
    await asking.propose(stage, case, "sam.ito", Outcome.REFUND, why)


async def papers_open(stage: Stage) -> None:
    stage.at(ago=2, hour=14.0)
    case = await asking.file(
        stage,
        Request(
            "cc-0297", "SO-10345", Kind.REBILL, Reason.CARD_NOT_PREFERRED, "6677",
            "We closed that account. I write for the club since our manager left.",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=9.5)
    case = await asking.check(stage, case, "sam.ito")
    question = "Please send the registration of your club, so that we know whom we write to."
    papers = (verification.WORDS[verification.Proof.BUSINESS],)
    await triage.ask_customer(case, await stage.staff("sam.ito"), question, papers)
    await stage.send_post()


async def waits_for_second_people(stage: Stage) -> None:
    """A change of the rules and one of a billing address, for a manager to look at."""
    stage.hours_ago(6)
    known = await policies.current()
    wanted = rule_changes.Wanted(
        {**known.refund_limits, "eur": 450_00},
        known.goodwill_caps,
        known.approval_valid_days,
        known.second_limits,
    )
    why = "The euro limit has drifted away from the dollar's since spring."
    await rule_changes.propose(await stage.staff("ruth.adeyemi"), wanted, why)
    account = await Account.get(tenant_id="ss-0088")
    why = "Grace Okonkwo wrote from the old address; her letter on paper is in the file."
    by = await stage.staff("sam.ito")
    await billing_address.propose(account.id, by, "billing@summitstrength.example", why)


async def cancellation(stage: Stage) -> None:
    stage.at(ago=2, hour=15.5)
    case = await asking.file(
        stage,
        Request(
            "gl-0381", "SO-10395", Kind.CANCELLATION, Reason.CANCEL_ORDER, "4455",
            "Nous arrêtons les cours de danse. We end the dance classes at the end of the year.",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=11.0)
    case = await asking.check(stage, case, "sam.ito")
    why = "The customer gives up the module. The term's terms were shown and confirmed."
    await asking.propose(stage, case, "sam.ito", Outcome.CANCELLATION, why)


async def refund_under_way(stage: Stage) -> None:
    stage.at(ago=1, hour=14.0)
    case = await asking.file(
        stage,
        Request(
            "nr-0519", "SO-10358", Kind.REBILL, Reason.CARD_NOT_PREFERRED, "7726",
            "Our club has a new card for everything online.", card="saved",
        ),
    )  # fmt: skip
    stage.hours_ago(4)
    case = await asking.check(stage, case, "sam.ito")
    why = "One deposit, on file. New card saved; same customer at Stripe."
    plan = await asking.propose(stage, case, "sam.ito", Outcome.REBILL, why)
    stage.hours_ago(3)
    await stage.work(await asking.approve(stage, plan, "dana.cole", ""))


async def credit_waits(stage: Stage) -> None:
    stage.at(ago=1, hour=9.2)
    case = await asking.file(
        stage,
        Request(
            "ry-0356", "SO-10263", Kind.DISPUTE, Reason.DISSATISFIED, "3310",
            "The holder wobbles on our scanner. We keep it, but are not happy.", part="25.00",
        ),
    )  # fmt: skip
    stage.at(ago=1, hour=12.0)
    case = await asking.check(stage, case, "sam.ito")
    why = "A fault in the first series. The customer keeps it; a credit is fair."
    await asking.propose(stage, case, "sam.ito", Outcome.CREDIT, why)


async def not_recognised(stage: Stage) -> None:
    stage.hours_ago(2)
    await asking.file(
        stage,
        Request(
            "ob-0166", "SO-10466", Kind.DISPUTE, Reason.NOT_RECOGNISED, "5423",
            "Nobody at our club bought a heavy bag sensor set, and the card is not one of ours.",
        ),
    )  # fmt: skip


async def just_arrived(stage: Stage) -> Case:
    stage.hours_ago(1)
    return await asking.file(
        stage,
        Request(
            "cc-0297", "SO-10493", Kind.DISPUTE, Reason.DISSATISFIED, "6677",
            "Two of the mat's sensors stopped after a week. The shop said to write to you.",
            part="180.00",
        ),
    )  # fmt: skip


async def labels(stage: Stage) -> None:
    """Words of the desk's own, and a case that is set aside until tomorrow."""
    sam = await stage.staff("sam.ito")
    for number, words in (("SO-10402", "waits for a courier"), ("SO-10345", "papers")):
        await shelf.label(await Case.get(claimed_order=number), sam, words)
    case = await Case.get(claimed_order="SO-10345")
    await shelf.snooze(case, sam, stage.shop.today + timedelta(days=2))
