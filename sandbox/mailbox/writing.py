"""The form that writes to the application as a customer would."""

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from sandbox import pages
from sandbox.mailbox import compose
from sandbox.mailbox.compose import Draft, Undeliverable
from sandbox.mailbox.desk import Desk
from sandbox.mailbox.message import Attachment, Mail


async def show(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    answered = desk.mailbox.get(number(request.query_params.get("reply", "0")))
    return _form(request, _reply(answered, desk), sent="sent" in request.query_params)


async def send(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    async with request.form(max_files=10) as form:
        draft = await _draft(form)
    if desk.inbox is None:
        return _form(request, draft, problem="There is no inbox to send to.")
    try:
        await compose.send(draft, desk.inbox, desk.now())
    except Undeliverable as refusal:
        return _form(request, draft, problem=f"The inbox did not take it: {refusal}")
    return pages.see_other(f"{desk.base}/compose?sent")


def _form(request: Request, draft: Draft, *, sent: bool = False, problem: str = "") -> Response:
    desk: Desk = request.app.state.desk
    return pages.page(
        request,
        "mailbox/compose.html",
        status=422 if problem else 200,
        base=desk.base,
        inbox=desk.inbox,
        draft=draft,
        sent=sent,
        problem=problem,
    )


def _reply(answered: Mail | None, desk: Desk) -> Draft:
    address = desk.inbox.address if desk.inbox else ""
    if answered is None:
        return Draft(sender="", to=address, subject="", text="")
    again = answered.subject.casefold().startswith("re:")
    return Draft(
        sender=answered.recipients[0] if answered.recipients else "",
        to=answered.reply_to or address,
        subject=answered.subject if again else f"Re: {answered.subject}",
        text="",
        in_reply_to=answered.message_id,
    )


async def _draft(form: FormData) -> Draft:
    def text(name: str) -> str:
        value = form.get(name, "")
        return value if isinstance(value, str) else ""

    files = [f for f in form.getlist("files") if isinstance(f, UploadFile) and f.filename]
    return Draft(
        sender=text("sender").strip(),
        to=text("to").strip(),
        subject=text("subject").strip(),
        text=text("text"),
        in_reply_to=text("in_reply_to").strip(),
        dmarc=text("dmarc") if text("dmarc") in {"pass", "fail"} else "",
        attachments=tuple([await _attached(file) for file in files]),
    )


async def _attached(file: UploadFile) -> Attachment:
    kind = file.content_type or "application/octet-stream"
    return Attachment(file.filename or "file", kind, await file.read())


def number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
