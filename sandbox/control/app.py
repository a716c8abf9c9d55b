"""The control page's routes: start, clock, trouble, webhooks."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.control import acts, answers, money, moving, trouble
from sandbox.control.outside import Outside
from sandbox.control.tour import WALKS

SHOWN_DELIVERIES = 200
# Stripe's published test numbers; the twin knows what each of them does.
TEST_CARDS = (
    ("5555 5555 5555 4444", "Works"),
    ("4000 0027 6000 3184", "The bank asks the customer to confirm"),
    ("4000 0000 0000 0341", "Can be saved, then declines"),
    ("4000 0000 0000 9995", "Not enough money"),
)


def routes() -> list[Route]:
    return [
        Route("/", start),
        Route("/healthz", healthz),
        Route("/clock", moving.move_clock, methods=["POST"]),
        Route("/trouble", show_trouble),
        Route("/trouble", make_trouble, methods=["POST"]),
        Route("/webhooks", show_webhooks),
        Route("/webhooks/{event_id}/copy", resend, methods=["POST"]),
        Route("/money", money.show),
        Route("/balance", money.set_balance, methods=["POST"]),
        *acts.routes(),
    ]


async def start(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    return answers.page(
        request,
        "control/start.html",
        test_cards=TEST_CARDS,
        walks=WALKS,
        mails=len(outside.mail.mailbox.all()),
        armed=trouble.armed(outside),
        log=outside.log[-10:][::-1],
    )


async def healthz(request: Request) -> Response:
    """Answers once everything listens; says where the mail server does."""
    outside: Outside = request.app.state.outside
    return JSONResponse({"ok": True, "smtp_port": outside.mail.port})


async def show_trouble(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    return answers.page(
        request,
        "control/trouble.html",
        outside=outside,
        groups=trouble.GROUPS,
        armed=trouble.armed(outside),
    )


async def make_trouble(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    key = str((await request.form()).get("trouble", ""))
    if key == "clear":
        await trouble.clear(outside)
        return answers.done(request, "Everything works again.", back="/trouble")
    chosen = trouble.BY_KEY.get(key)
    if chosen is None:
        raise HTTPException(422, "There is no such trouble.")
    await chosen.act(outside)
    return answers.done(request, f"{chosen.title}: done.", back="/trouble")


async def show_webhooks(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    webhooks = outside.world.webhooks
    return answers.page(
        request,
        "control/webhooks.html",
        outcomes=webhooks.outcomes[-SHOWN_DELIVERIES:][::-1],
        held=len(webhooks.weather.waiting),
    )


async def resend(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    event_id = request.path_params["event_id"]
    outside.world.webhooks.resend(event_id)
    return answers.done(request, f"{event_id} is sent again.", back="/webhooks")
