"""The buttons that move the clock."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sandbox import pages
from sandbox.control import answers
from sandbox.control.outside import Outside
from sandbox.control.steps import STEPS

PLACES = {"/", "/money"}

_BY_KEY = {step.key: step for step in STEPS}


async def move_clock(request: Request) -> Response:
    outside: Outside = request.app.state.outside
    form = await request.form()
    step = _BY_KEY.get(str(form.get("step", "")))
    if step is None:
        raise HTTPException(422, "There is no such step.")
    days_s = outside.clock.seconds_to_business_day(step.business_days)
    outside.advance(step.hours * 3600 + days_s)
    now = pages.moment(outside.clock.now())
    back = str(form.get("back", "/"))
    sentence = f"The clock moved by {step.label}. It is now {now}."
    return answers.done(request, sentence, back=back if back in PLACES else "/")
