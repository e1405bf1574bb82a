"""A small Langfuse server for tests: real HTTP on loopback, everything kept in memory.

It speaks what Langfuse SDK 5 speaks: observations over OTLP, scores, prompts, datasets and their items,
experiments. It is as strict about what it gets as a server of that generation, and can be told to misbehave.
"""

from app.tracing.standin.kept import Exchange, Kept
from app.tracing.standin.observations import TRACES, Observation
from app.tracing.standin.scores import SCORES
from app.tracing.standin.server import Fault, StandIn

__all__ = ["SCORES", "TRACES", "Exchange", "Fault", "Kept", "Observation", "StandIn"]
