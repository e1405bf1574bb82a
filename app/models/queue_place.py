"""The place in the queue of the local model, told to whoever asked."""

import sys

from terakoya.catalogue import text


def tell_place(place: int) -> None:
    """Streams a notice from the node of a graph that is running here; does nothing elsewhere.

    Args:
        place: 1 for whoever comes next.
    """
    if "langgraph.config" not in sys.modules:  # importing it takes a second, and then no graph is running
        return
    from langgraph.config import get_stream_writer

    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):
        return
    write({"type": "notice", "code": "model_queue", "message": text("answer.model_queue", place=place)})
