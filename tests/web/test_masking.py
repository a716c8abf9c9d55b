"""No card number, code, key or token reaches a log line, and no line becomes two."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from web import logs, masking

CARD = "4242 4242 4242 4242"
CODE = "48203917"
TOKEN = "Zk3vQ8mN1xR5tY7uW9pL2sD4fG6hJ0kB_cV-bA8eXqz"
SECRETS = [
    CARD, "4242424242424242", "5555-5555-5555-4444", "3782 822463 10005",
    "４２４２４２４２４２４２４２４２",
    CODE, "4820 3917", TOKEN, "sk_live_51Q9zTabc", "rk_test_51Q9zTabc", "whsec_q8Zk2LwT5vRb",
    "pi_3Qabc_secret_9zTk", "postgresql://amends:hunter2@db/amends", "smtp://u:hunter2@mail:587",
    "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJkYW5hIn0.c2lnbmF0dXJl", "Basic aHVudGVyMg==",
    f"__Host-amends-portal={TOKEN}", "billing@harborfitness.example",
]  # fmt: skip
CORES = [
    "4242 4242", "42424242", "5555-5555", "822463", "４２４２", CODE, "4820 3917", TOKEN, "51Q9zT",
    "q8Zk2LwT5vRb", "9zTk", "hunter2", "eyJ", "aHVudGVyMg", "billing@",
]  # fmt: skip


def line(**fields: Any) -> str:
    """A log line as the configured processors write it."""
    event: Any = {"event": "it happened", **fields}
    for step in (*logs._STEPS[1:], structlog.processors.JSONRenderer()):
        event = step(None, "info", event)
    return str(event)


@pytest.mark.req("V16.2.5", "T54", "T53")
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("shape", ["value", "words", "nested", "key", "exception"])
def test_no_secret_is_written_wherever_it_stands(secret: str, shape: str) -> None:
    fields: dict[str, Any] = {
        "value": {"found": secret},
        "words": {"found": f"Priya wrote: {secret}, and more."},
        "nested": {"found": {"a": [{"b": (secret,)}]}},
        "key": {"found": {secret: 1}},
        "exception": {"exc_info": _raised(secret)},
    }[shape]
    written = json.loads(line(**fields))
    shown = json.dumps({k: v for k, v in written.items() if k != "timestamp"}, ensure_ascii=False)
    assert [core for core in CORES if core in shown] == []
    assert masking.HIDDEN in shown or "•" in shown or "*" in shown or "[" in shown


def _raised(words: str) -> Exception:
    try:
        raise ValueError(f"cannot take {words}")
    except ValueError as error:
        return error


@pytest.mark.req("V16.2.5")
@pytest.mark.parametrize("name", ["code", "password", "client_secret", "id_token", "body", "story"])
def test_fields_with_a_telling_name_are_never_written(name: str) -> None:
    assert json.loads(line(**{name: "open sesame"}))[name] == masking.HIDDEN


def test_what_an_operator_needs_stays() -> None:
    kept = {
        "path": "/cases/RB-2401", "status": 500, "stripe_id": "re_3PNaB4KqkJ4YLr53dUiLIeOf",
        "code_count": 3, "at": "2026-11-23T05:20:58Z", "why": "Refund re_1 reads 'pending'.",
        "amount_minor": 120000, "address": "192.0.2.7", "hash": "a" * 64,
    }  # fmt: skip
    written = json.loads(line(**kept))
    assert {name: written[name] for name in kept} == kept


@pytest.mark.req("V16.4.1")
@pytest.mark.parametrize(
    "attack",
    [
        'x\n{"event":"sign-in ok","level":"info"}', "x\r\nSet-Cookie: a=b", "x\x1b[2J\x1b[31mred",
        "x\u2028y\u2029z", "x\x00y\x08\x7f", '"}\n{"', "x\u009b31m", "\ud800",
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["value", "key", "event"])
def test_what_people_send_stays_within_one_record(attack: str, where: str) -> None:
    fields = {"value": {"found": attack}, "key": {attack: 1}, "event": {"event": attack}}[where]
    written = line(**fields)
    assert written.isascii() and written.isprintable(), "no line break and no escape gets out"
    assert len(written.splitlines()) == 1
    json.loads(written)


@pytest.mark.req("V16.2.4", "V16.2.5", "V16.4.1", "V16.2.2")
def test_the_lines_of_libraries_have_the_same_form() -> None:
    out, handler = io.StringIO(), logs.handler()
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(out)
    job = "Job mail_sign_in_code[12](email='billing@harborfitness.example') failed\r\nnext"
    error = _raised(f"card {CARD}")
    record = logging.LogRecord(
        "procrastinate.worker", logging.ERROR, "x.py", 1, job, None,
        (type(error), error, error.__traceback__),
    )  # fmt: skip
    handler.emit(record)
    (written,) = out.getvalue().splitlines()
    found = json.loads(written)
    assert (found["level"], found["logger"]) == ("error", "procrastinate.worker")
    assert found["timestamp"].endswith("Z") and "ValueError" in found["exception"]
    assert "billing@" not in written and "4242" not in written


def test_a_long_text_is_cut_before_it_is_looked_through() -> None:
    assert len(masking.text("a b " * 50_000)) <= masking.LONGEST + 1
