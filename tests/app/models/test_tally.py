"""What models are asked is counted, whichever they are and wherever in a run they are called."""

from contextvars import copy_context
from threading import Thread

from pydantic import SecretStr

from app.models.endpoint import Endpoint
from app.models.engine import LocalEngine
from app.models.local import LocalChatModel
from app.models.remote.chat import RemoteChatModel
from app.models.remote.server import Server
from app.models.tally import tallying
from tests.app.models.openai_server import KEY, OpenAIServer, scripted


def test_every_call_of_a_local_model_counts_with_what_it_knew(talker: LocalEngine) -> None:
    model = LocalChatModel(engine=talker)
    asked = "お茶は？ What do my notes say about the second harvest, please?"
    with tallying() as tally:
        said = model.invoke(asked).usage_metadata
        assert said
        assert (tally.input, tally.output) == (said["input_tokens"], said["output_tokens"])
        context = copy_context()
        thread = Thread(target=context.run, args=(lambda: list(model.stream(asked)),))
        thread.start()
        thread.join(60)
    assert (tally.input, tally.output) == (2 * said["input_tokens"], 2 * said["output_tokens"])
    assert tally.cached > 0
    with tallying() as other:
        pass
    assert other.input == 0


def test_every_call_of_a_remote_model_counts() -> None:
    with scripted(OpenAIServer()) as server:
        model = RemoteChatModel(server=Server(Endpoint.at(server.url), SecretStr(KEY)), model="big")
        with tallying() as tally:
            model.invoke("x")
            list(model.stream("x"))
        model.server.close()
    assert (tally.input, tally.output) == (22, 14)
