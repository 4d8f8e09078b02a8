"""Where the log goes: standard error, for people on a terminal, else one JSON object a line."""

from __future__ import annotations

import logging
import sys

import structlog

from core.model.settings import LogSettings


def configure_log(settings: LogSettings) -> None:
    """Set structlog up for this process.

    Records of the Kafka client's own are for whoever mends the client: what matters of them
    reaches us as an error, and is logged in our words.
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
        # Looked up for each logger: a program's tests put another standard error in its place.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("kafka").addHandler(logging.NullHandler())
