"""Keeps secrets out of what is written about errors."""

import os
import re
from typing import Final

_MASK: Final = "***"
_NAME_OF_SECRET: Final = re.compile(r"key|token|secret|passw|credential|authorization|dsn", re.IGNORECASE)
_LABELS: Final = r"api[-_ ]?key|token|secret|password|passwd"
_PATTERNS: Final = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}"), rf"\1 {_MASK}"),
    (re.compile(r"\b(?:sk|pk|rk|hf|ghp|gho|xox[abp])[-_][A-Za-z0-9_-]{8,}"), _MASK),
    (re.compile(r"://[^/\s:@]*:[^/\s@]+@"), f"://{_MASK}@"),
    (re.compile(rf"(?i)((?:{_LABELS})[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}}]+"), rf"\1{_MASK}"),
)
MAX_MESSAGE: Final = 500
"""Characters kept of an error's message."""


def redact(text: str) -> str:
    """`text` without values that look like secrets or stand in an environment variable named like one."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _NAME_OF_SECRET.search(name):
            text = text.replace(value, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def describe(error: BaseException) -> str:
    """Type and message of an error on one line, short and without secrets."""
    try:
        message = " ".join(redact(str(error)[: 4 * MAX_MESSAGE]).split())
    except Exception:  # an error whose own __str__ fails still has a type
        message = ""
    name = type(error).__name__
    return f"{name}: {message[:MAX_MESSAGE]}" if message else name
