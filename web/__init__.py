"""The HTTP kit both doors share. It knows no refund.

A handler reads, asks the domain, and answers:

    from starlette.requests import Request
    from starlette.responses import Response
    from web import forms, guards, pages

    class MessageForm(forms.FormModel):
        text: str = Field(max_length=4000, json_schema_extra={"missing": "Write your message"})

    async def create(request: Request) -> Response:
        customer = guards.customer(request)
        case = await queries.case_for(customer, request.path_params["ref"])  # NotFound -> 404
        form = await forms.bind(request, MessageForm)
        if not form.ok:
            return pages.page(request, "portal/case.html", 422, case=case, form=form)
        await intake.add_message(case, customer, form.data.text)
        return pages.see_other(request, pages.url(request, "case", ref=case.ref))

and stands in the door's list of routes, which names who may use it:

    guards.route("POST", "/requests/{ref}/messages", create, allow=guards.CUSTOMER, name="messages")

    app = app.build(door=Door.PORTAL, routes=ROUTES, settings=settings.load())

Each door itself serves `guards.SIGN_IN` and, for routes with `step_up=True`, `guards.STEP_UP`; both
get `?next=`, to be read through `paths.safe_next`. POST `/sign-out` calls `sessions.end`.
Elements that poll send the header `X-Background: 1` (macro `poll` in parts/macros.html), so that
an abandoned page does not keep its session alive. Errors of htmx requests go to `#flash`.
"""
