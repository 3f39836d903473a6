"""What chat models take: images, tools; one that takes no images is told in words what there is to see."""

from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage

from imagerag.chat_models.images import encoded_in
from imagerag.chat_models.run_memory import RunMemory


def takes_images(model: BaseChatModel, memory: RunMemory | None = None) -> bool:
    """Tell whether a model may be sent images.

    It may unless it says otherwise: by an attribute ``takes_images``, as chat models of ours have, by the profile that
    LangChain has of it, or, in that run, by having refused them.
    """
    if memory is not None and "images" in memory.refused:
        return False
    own = getattr(model, "takes_images", None)
    if own is not None:
        return bool(own)
    return bool((getattr(model, "profile", None) or {}).get("image_inputs", True))


def has_images(messages: Sequence[BaseMessage]) -> bool:
    """Tell whether any message has an image in it."""
    blocks = [block for message in messages if isinstance(message.content, list) for block in message.content]
    return any(encoded_in(block) is not None for block in blocks)


def in_words(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the messages without images, each as plain text, which is all that some servers of text models take."""
    return [
        message
        if isinstance(message.content, str)
        else message.model_copy(update={"content": "\n".join(_texts(message))})
        for message in messages
    ]


def _texts(message: BaseMessage) -> list[str]:
    blocks = [block if isinstance(block, str) else str(block.get("text", "")) for block in message.content]
    return [text for text in blocks if text]
