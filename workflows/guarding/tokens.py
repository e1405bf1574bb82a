"""Marks of chat templates and of prompts, which in a note or an answer are letters and nothing more."""

import re
from typing import Final

_NAMES: Final = (
    r"im_start|im_end|im_sep|system|user|assistant|end|endoftext|eot_id|eom_id|python_tag|start_header_id|end_header_id|"
    r"begin_of_text|end_of_text|endofprompt|fim_\w{1,12}|tool\w{0,20}|start_of_role|end_of_role|message|channel|return|call|start"
)
TOKEN: Final = re.compile(
    rf"<\s{{0,2}}[|｜]\s{{0,2}}(?:{_NAMES})\s{{0,2}}[|｜]\s{{0,2}}>|\[/?inst\]|<</?sys>>|"
    r"</?\s{0,2}(?:start_of_turn|end_of_turn|system_prompt|system|assistant|passage|remembered|tool_result)\b[^<>\n]{0,80}>|"
    r"\[/?(?:system_prompt|available_tools|tool_calls|tool_results)\]",
    re.IGNORECASE,
)
"""Marks that models were trained to read as the border of a message, and those of this product's prompts."""
_BORDER: Final = re.compile(
    r"<(?=\s{0,4}/?\s{0,4}(?:[|｜]|/?s>|start_of_turn|end_of_turn|system|assistant|user|passage|remembered|tool|function|invoke|instruction|bos>|eos>|pad>|unk>|mask>))"
    r"|(?<=[|｜])>|<(?=</?sys>>)|<(?=/?sys>>)",
    re.IGNORECASE,
)
_BRACKET: Final = re.compile(
    r"\[(/?(?:inst|system_prompt|available_tools|tool_calls|tool_results))\]", re.IGNORECASE
)


def inert(text: str) -> str:
    """`text` with such marks broken, as long as before: `<` becomes `‹`, `[INST]` becomes `{INST}`."""
    broken = _BORDER.sub(lambda mark: "‹" if mark[0] == "<" else "›", text)
    return _BRACKET.sub(r"{\1}", broken)
