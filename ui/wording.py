"""What the page says, in the language that its reader chose."""

import json
from typing import Final, Literal

import streamlit as st

from terakoya.catalogue import environment_language, text

PageLanguage = Literal["ja", "en"]
NAMES: Final[dict[str, str]] = {"ja": "日本語", "en": "English"}


def language() -> PageLanguage:
    """The language of the URL, else of the browser, else of the environment."""
    chosen = st.query_params.get("lang", "")
    if chosen not in NAMES:
        locale = st.context.locale
        chosen = environment_language() if not locale else "ja" if locale.lower().startswith("ja") else "en"
    return "ja" if chosen == "ja" else "en"


def say(key: str, **values: object) -> str:
    """The page's sentence `key` in the reader's language."""
    return text(f"page.{key}", language=language(), **values)


def own_style() -> str:
    """CSS with what stands in place of Streamlit's own words, which it has in English alone.

    And with the colour of text on buttons of the primary colour, which in the dark theme is too light for white.
    """
    words = {
        "choose": say("upload_choose"),
        "limit": say("upload_limit", size=st.get_option("server.maxUploadSize")),
        "skip": say("skip"),
    }
    # a string of JSON without quotes in it, or backslashes, is one of CSS as well
    told = "--tk-on-primary: #15181d;" if st.context.theme.type == "dark" else ""
    told += "".join(f"--tk-{name}: {json.dumps(word, ensure_ascii=False)};" for name, word in words.items())
    return f"<style>:root {{{told}}}</style>"


def say_or(key: str, other: str) -> str:
    """The sentence `key`, or the text `other` where there is none: for names that the service sends."""
    try:
        return say(key)
    except KeyError:
        return other
