"""Log lines: one JSON object each, UTC, without the values of local variables."""

import logging
import sys

import structlog


def configure() -> None:
    """Set structlog up once per process, unless the operator's start script already did.

    Structlog's own console output prints every local variable of a traceback, which here would
    be cookies, form fields and tokens.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
