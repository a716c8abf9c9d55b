"""Web pages over the mailbox: the list, one message and its parts."""

from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import pages
from sandbox.mailbox import writing
from sandbox.mailbox.desk import Desk
from sandbox.mailbox.message import Mail
from sandbox.mailbox.writing import number

PAGE_SIZE = 50
# Popups may leave the frame, so that a link in a mail can be followed. Scripts may not run.
HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)


def create_app(desk: Desk) -> Starlette:
    app = Starlette(
        routes=[
            Route("/", index),
            Route("/messages.json", messages_json),
            Route("/compose", writing.show),
            Route("/compose", writing.send, methods=["POST"]),
            Route("/{number:int}", show),
            Route("/{number:int}/html", html),
            Route("/{number:int}/source", source),
            Route("/{number:int}/attachments/{index:int}", attachment),
        ]
    )
    app.state.desk = desk
    return app


async def index(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    to = request.query_params.get("to", "")
    before = request.query_params.get("before", "")
    mails = [m for m in reversed(_chosen(desk, to)) if not before or m.number < number(before)]
    shown = mails[:PAGE_SIZE]
    return pages.page(
        request,
        "mailbox/list.html",
        base=desk.base,
        addresses=desk.mailbox.addresses(),
        to=to,
        mails=shown,
        older=shown[-1].number if len(mails) > PAGE_SIZE else 0,
    )


async def messages_json(request: Request) -> Response:
    """The same list for programs, oldest first: browser tests read codes and links here."""
    mails = _chosen(request.app.state.desk, request.query_params.get("to", ""))
    return JSONResponse([_as_json(mail) for mail in mails])


async def show(request: Request) -> Response:
    mail = _mail(request)
    views = [("html", "As shown")] if mail.html else []
    views += [("text", "Text"), ("headers", "Headers")]
    asked = request.query_params.get("view", "")
    view = asked if asked in dict(views) else views[0][0]
    base = request.app.state.desk.base
    return pages.page(request, "mailbox/message.html", base=base, mail=mail, views=views, view=view)


async def html(request: Request) -> Response:
    """The HTML part alone, for the frame. The added base makes links open a new tab."""
    headers = {"content-security-policy": HTML_POLICY}
    body = '<base target="_blank">' + _mail(request).html
    return Response(body, media_type="text/html", headers=headers)


async def source(request: Request) -> Response:
    return Response(_mail(request).raw, media_type="text/plain")


async def attachment(request: Request) -> Response:
    attachments = _mail(request).attachments
    index = request.path_params["index"]
    if not 1 <= index <= len(attachments):
        raise HTTPException(404)
    found = attachments[index - 1]
    disposition = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    return Response(
        found.content,
        media_type=found.content_type,
        headers={"content-disposition": disposition, "content-security-policy": "sandbox"},
    )


def _chosen(desk: Desk, to: str) -> tuple[Mail, ...]:
    return desk.mailbox.to(to) if to else desk.mailbox.all()


def _mail(request: Request) -> Mail:
    desk: Desk = request.app.state.desk
    mail = desk.mailbox.get(request.path_params["number"])
    if mail is None:
        raise HTTPException(404)
    return mail


def _as_json(mail: Mail) -> dict[str, object]:
    return {
        "number": mail.number,
        "received_at": mail.received_at.isoformat(),
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "message_id": mail.message_id,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
        "attachments": [a.name for a in mail.attachments],
    }
