"""Keeps secrets out of what is written about errors."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

_MASK: Final = "***"
_NAME_OF_SECRET: Final = re.compile(r"key|token|secret|passw|credential|authorization|dsn", re.IGNORECASE)
_LABELS: Final = r"api[-_ ]?key|token|secret|password|passwd"
KEYS: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"(?i:bearer|basic)\s+(?=[A-Za-z+/=._~-]*\d)[A-Za-z0-9+/=._~-]{12,}"
    r"|(?:[sp]k[-_]|rk_|hf_|gh[opsur]_|xox[abeprs]-|glpat-|github_pat_|npm_|dop_v1_)(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{8,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
    r"|(?<=://)[^/\s:@\"]{0,200}:[^/\s@\"]{1,200}(?=@)"
)
"""Secrets that are known by their form: of cloud providers, code forges and model servers, and in URLs."""
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
    for value in secret_values(os.environ):
        text = text.replace(value, _MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return KEYS.sub(_MASK, text)


def secret_values(environ: Mapping[str, str]) -> Iterator[str]:
    """Values of variables that are named like secrets, and long enough to be one."""
    return (value for name, value in environ.items() if len(value) >= 8 and _NAME_OF_SECRET.search(name))


def describe(error: BaseException) -> str:
    """Type and message of an error on one line, short and without secrets."""
    try:
        message = " ".join(redact(str(error)[: 4 * MAX_MESSAGE]).split())
    except Exception:  # an error whose own __str__ fails still has a type
        message = ""
    name = type(error).__name__
    return f"{name}: {message[:MAX_MESSAGE]}" if message else name
