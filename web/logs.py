"""Log lines: one JSON object each, UTC, masked, without the values of local variables."""

import logging
import sys
from typing import Any

import structlog

from web import masking

# The same steps for our own lines and for those of libraries.
_STEPS: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    # After the traceback has become text: exceptions repeat what they choked on.
    masking.event,
)


def configure() -> None:
    """Set structlog up once per process, unless the operator's start script already did.

    Structlog's own console output prints every local variable of a traceback, which here would
    be cookies, form fields and tokens.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[*_STEPS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _libraries()


def _libraries() -> None:
    """Warnings of libraries in the same form; a failed job's line names its arguments."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(handler())


def handler() -> logging.Handler:
    """Writes a library's record as one of our lines."""
    made = logging.StreamHandler(sys.stderr)
    made.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_STEPS[:3]],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_STEPS[3:],
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    return made
