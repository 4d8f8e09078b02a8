"""Logging to standard error: console format on a terminal, otherwise one JSON object per line."""

from __future__ import annotations

import logging
import sys

import structlog

from core.model.settings import LogSettings


def configure_log(settings: LogSettings) -> None:
    """Configure structlog for this process.

    The Kafka client's own log records are suppressed: relevant failures are raised as errors and logged
    by Rotascope.
    """
    for_people = settings.format == "console" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if for_people else structlog.processors.JSONRenderer(default=str)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[settings.level.upper()]
        ),
        # Looked up per logger, because tests replace standard error.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("kafka").addHandler(logging.NullHandler())
