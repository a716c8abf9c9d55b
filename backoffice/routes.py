"""Every address of the back office, and who may use it."""

from amends.rules.people import Role
from backoffice import (
    approvals,
    audit_log,
    audits,
    case,
    customers,
    decision,
    desk_pages,
    disputes,
    exceptions,
    handling,
    identity,
    oversight,
    profile,
    queues,
    recipes,
    remedies,
    reports,
    rules,
    security,
    shelf,
    sign_in,
    verification,
)
from web import oidc
from web.guards import PUBLIC, SIGNED, STAFF, GuardedRoute, Read, roles, route

_CASE = "/cases/{ref}"
# Who works on cases. Who may decide a plan depends on the plan and is asked in the domain.
WORKERS = roles(Role.AGENT, Role.LEAD, Role.MANAGER, Role.SECURITY, Role.ACCOUNT_MANAGER)
HANDLERS = WORKERS | roles(Role.ADMIN)
ACCOUNT_MANAGERS = roles(Role.ACCOUNT_MANAGER)
MANAGERS = roles(Role.MANAGER)
AUDITORS = roles(Role.AUDITOR, Role.MANAGER)
DIRECTORY = roles(Role.MANAGER, Role.ADMIN)
# Who works on what goes to the bank.
BANK_DESK = roles(Role.LEAD, Role.MANAGER)
INVESTIGATORS = roles(Role.SECURITY, Role.MANAGER)

ROUTES: list[GuardedRoute] = [
    route("GET", "/", queues.start, allow=STAFF),
    # Signing in and out.
    route("GET", "/sign-in", sign_in.begin, allow=PUBLIC),
    route("GET", "/sign-in/again", sign_in.again, allow=STAFF),
    route("GET", oidc.CALLBACK, sign_in.done, allow=PUBLIC),
    route("POST", "/sign-out", sign_in.sign_out, allow=PUBLIC),
    route("GET", "/signed-out", sign_in.signed_out, allow=PUBLIC),
    route("POST", "/sign-out/backchannel", sign_in.provider_logout, allow=SIGNED),
    # The views.
    route("GET", "/queue", queues.show, allow=STAFF),
    route("POST", "/queue/next", queues.take, allow=WORKERS),
    route("POST", "/queue/mine", queues.mine, allow=WORKERS),
    route("POST", "/queue/label", shelf.label_ticked, allow=WORKERS),
    route("POST", "/queue/snooze", shelf.snooze_ticked, allow=WORKERS),
    # One case.
    route("GET", _CASE, case.show, allow=STAFF, reads=Read.PAGE),
    route("GET", f"{_CASE}/changes", case.changes, allow=STAFF),
    route("GET", f"{_CASE}/files/{{file}}", case.file, allow=STAFF, reads=Read.EXPORT),
    route("GET", f"{_CASE}/log", audit_log.case, allow=STAFF, reads=Read.PAGE),
    route("GET", f"{_CASE}/log.csv", audit_log.export, allow=STAFF, reads=Read.EXPORT),
    route("GET", f"{_CASE}/plan", audit_log.plan, allow=STAFF, reads=Read.PAGE),
    route("POST", f"{_CASE}/reading", case.read_again, allow=WORKERS),
    route("POST", f"{_CASE}/take", handling.take, allow=WORKERS),
    route("POST", f"{_CASE}/release", handling.release, allow=WORKERS),
    route("POST", f"{_CASE}/assign", handling.assign, allow=WORKERS),
    route("POST", f"{_CASE}/reason", handling.reason, allow=WORKERS),
    route("POST", f"{_CASE}/label", shelf.label, allow=WORKERS),
    route("POST", f"{_CASE}/snooze", shelf.snooze, allow=WORKERS),
    route("POST", f"{_CASE}/messages", handling.write, allow=WORKERS),
    route("POST", f"{_CASE}/customer", handling.customer, allow=WORKERS),
    route("POST", f"{_CASE}/charges", handling.pick, allow=WORKERS),
    route("POST", f"{_CASE}/bank-desk", handling.bank_desk, allow=WORKERS),
    route("POST", f"{_CASE}/lift", handling.lift, allow=INVESTIGATORS, step_up=True),
    route("GET", f"{_CASE}/identity", identity.show, allow=STAFF, reads=Read.PAGE),
    route("POST", f"{_CASE}/identity", identity.create, allow=WORKERS),
    route("POST", f"{_CASE}/identity/all", identity.match_all, allow=WORKERS),
    route("POST", f"{_CASE}/preview", decision.preview, allow=WORKERS),
    route("POST", f"{_CASE}/decision", decision.create, allow=WORKERS),
    route("POST", f"{_CASE}/plan/back", decision.take_back, allow=WORKERS),
    # A refund failed: the ways out.
    route("GET", f"{_CASE}/remedy", remedies.index, allow=STAFF, reads=Read.PAGE),
    route("GET", f"{_CASE}/remedy/{{way}}", remedies.show, allow=WORKERS, reads=Read.PAGE),
    route("POST", f"{_CASE}/remedy/{{way}}", remedies.create, allow=WORKERS),
    # What belongs to one reason of a dispute.
    route("POST", f"{_CASE}/account-manager", recipes.hand_over, allow=WORKERS),
    route("POST", f"{_CASE}/module", recipes.view, allow=ACCOUNT_MANAGERS),
    route("POST", f"{_CASE}/effective", recipes.effective, allow=WORKERS),
    # Papers that were asked for.
    route("POST", f"{_CASE}/papers/accept", verification.accept, allow=WORKERS),
    route("POST", f"{_CASE}/papers/refuse", verification.refuse, allow=WORKERS),
    # Audits of cancelled orders.
    route("GET", "/audits", audits.index, allow=STAFF),
    route("POST", f"{_CASE}/audit/tick", audits.tick, allow=AUDITORS),
    route("POST", f"{_CASE}/audit/extend", audits.extend, allow=AUDITORS),
    route("POST", f"{_CASE}/audit/contact", audits.contact, allow=AUDITORS),
    # Decisions about plans.
    route("GET", "/approvals", approvals.index, allow=STAFF),
    route("GET", "/approvals/{ref}", approvals.show, allow=STAFF, reads=Read.PAGE),
    route("POST", "/approvals/{ref}", approvals.create, allow=WORKERS, step_up=True),
    # The chargeback desk.
    route("GET", "/disputes", disputes.index, allow=STAFF),
    route("GET", "/disputes/{dispute}", disputes.show, allow=STAFF, reads=Read.PAGE),
    route("GET", "/disputes/{dispute}/pack.pdf", disputes.pdf, allow=STAFF, reads=Read.EXPORT),
    route("POST", "/disputes/{dispute}/pack", disputes.pack, allow=BANK_DESK),
    route(
        "GET",
        "/disputes/{dispute}/submit",
        disputes.confirm_submit,
        allow=BANK_DESK,
        reads=Read.PAGE,
    ),
    route("POST", "/disputes/{dispute}/submit", disputes.submit, allow=BANK_DESK, step_up=True),
    route(
        "GET",
        "/disputes/{dispute}/accept",
        disputes.confirm_accept,
        allow=BANK_DESK,
        reads=Read.PAGE,
    ),
    route("POST", "/disputes/{dispute}/accept", disputes.accept, allow=BANK_DESK, step_up=True),
    route("POST", f"{_CASE}/not-at-bank", disputes.give_back, allow=BANK_DESK),
    # The Security desk; for everybody else it is not there.
    route("GET", "/security", security.index, allow=STAFF),
    route("GET", "/security/{ref}", security.show, allow=STAFF, reads=Read.PAGE),
    route("POST", "/security/{ref}/refund", security.refund, allow=STAFF),
    route("POST", "/security/{ref}/take-over", security.take_over, allow=STAFF),
    route("POST", "/security/{ref}/lift", security.lift, allow=STAFF, step_up=True),
    route("POST", "/security/{ref}/decline", security.decline, allow=STAFF),
    # Looking things up.
    route("GET", "/refunds", desk_pages.refunds, allow=STAFF),
    route("GET", "/exceptions", exceptions.index, allow=STAFF),
    route("POST", "/exceptions/{id:int}/looked", exceptions.looked, allow=HANDLERS),
    route("POST", "/exceptions/{id:int}/retry", exceptions.retry, allow=HANDLERS),
    route("POST", "/exceptions/{id:int}/take-over", exceptions.take_over, allow=MANAGERS),
    route("GET", "/search", desk_pages.find, allow=STAFF, reads=Read.SEARCH),
    route("GET", "/customers/{tenant}", customers.show, allow=STAFF, reads=Read.PAGE),
    route("POST", "/customers/{tenant}/address", customers.propose, allow=WORKERS),
    route(
        "POST",
        "/customers/{tenant}/address/decision",
        customers.decide,
        allow=WORKERS,
        step_up=True,
    ),
    route("GET", "/people", desk_pages.everyone, allow=DIRECTORY),
    route("GET", "/rules", rules.show, allow=STAFF),
    route("GET", "/rules/change", rules.change, allow=MANAGERS),
    route("POST", "/rules/change", rules.propose, allow=MANAGERS),
    route("POST", "/rules/{id:int}/decision", rules.decide, allow=MANAGERS, step_up=True),
    route("GET", "/templates", desk_pages.mails, allow=STAFF),
    route("GET", "/templates/{name}", desk_pages.mail, allow=STAFF),
    route("GET", "/reports", reports.show, allow=STAFF),
    route("GET", "/reports.csv", reports.export, allow=STAFF, reads=Read.EXPORT),
    route("GET", "/oversight", oversight.show, allow=AUDITORS),
    route("POST", "/oversight/reviews/{id:int}", oversight.decide, allow=AUDITORS),
    route("GET", "/audit-log", audit_log.index, allow=STAFF, reads=Read.PAGE),
    route("GET", "/profile", profile.show, allow=STAFF),
    route("POST", "/profile", profile.save, allow=STAFF),
    route("POST", "/profile/sessions", profile.end_others, allow=STAFF),
]
