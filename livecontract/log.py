"""Structured logs on stderr. Set up once, where a program starts; stdout belongs to data."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _Stderr:
    """Writes to stderr, and goes on where that is closed or full: no request may fail because nobody reads the log."""

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(level: str = "warning", form: str = "text") -> None:
    """Send logs to stderr.

    Args:
        level: `debug`, `info`, `warning` or `error`: what is below is dropped.
        form: `text` for people, `json` for machines.
    """
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the usual one prints local variables: keys among them
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if form == "json" else structlog.processors.StackInfoRenderer(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("waitress").setLevel(logging.ERROR)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # the dispatcher says the same, once and in one line
