"""How a line of the log looks: with its request's id, and in production as JSON. No log is read here."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime

# Invitations, and allauth's links to confirm an address and to set a forgotten password.
SECRET_PART = re.compile(
    r"((?:/|%2F)(?:invitation|sign-in(?:/|%2F)(?:confirm-email|forgotten))(?:/|%2F))[^/%\s\"?&]+"
)

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class AddRequestId(logging.Filter):
    """Puts the current request's id on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class HideLinks(logging.Filter):
    """Takes out of a line what opens something by itself: the secret part of a link that was mailed."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (hidden := SECRET_PART.sub(r"\1…", text)) != text:
            record.msg, record.args = hidden, ()
        return True


class JsonFormatter(logging.Formatter):
    """One line, one object: time, level, logger, request, message, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
