"""What a server's tool gave, as text of a bounded size."""

import json
from typing import Final

from mcp.types import AudioContent, CallToolResult, EmbeddedResource, ImageContent, ResourceLink, TextContent

from terakoya.text.normalise import printable
from terakoya.types import ToolResult

_MOST_BLOCKS: Final = 200


def result_of(said: CallToolResult, *, characters: int) -> ToolResult:
    """The result as text: its blocks one after the other, of pictures and sound their kind and size."""
    blocks = [_block(block) for block in said.content[:_MOST_BLOCKS]]
    if not any(blocks) and said.structured_content is not None:
        blocks = [json.dumps(said.structured_content, ensure_ascii=False, indent=1)]
    text = printable("\n".join(blocks))
    return ToolResult(
        text=text[:characters], failed=said.is_error is True, left_out=max(0, len(text) - characters)
    )


def _block(block: object) -> str:
    match block:
        case TextContent():
            return block.text
        case ImageContent() | AudioContent():
            return f"[{block.mime_type}, {len(block.data) * 3 // 4} bytes]"
        case ResourceLink():
            return f"[{block.uri}]"
        case EmbeddedResource():
            resource = block.resource
            return f"[{resource.uri}]\n{getattr(resource, 'text', '')}".rstrip()
        case _:
            return ""
