"""What the chat models of the settings have room for."""

from typing import TYPE_CHECKING

from app.settings import Settings
from workflows.room import Room

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel


def room_of(model: "BaseChatModel", settings: Settings) -> Room:
    """The room of a model: counted by its own tokenizer where it is here, estimated where a server has it."""
    from app.models.local import LocalChatModel

    local = isinstance(model, LocalChatModel)
    return Room(
        context=(lambda: model.engine.load().context)
        if isinstance(model, LocalChatModel)
        else (lambda: settings.remote_context_tokens),
        answer=settings.max_answer_tokens,
        count=model.get_num_tokens,
        count_messages=lambda messages: model.get_num_tokens_from_messages(list(messages)),
        exact=local,
        setting="TERAKOYA_CONTEXT_TOKENS" if local else "TERAKOYA_REMOTE_CONTEXT_TOKENS",
    )
