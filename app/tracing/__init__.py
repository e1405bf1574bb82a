"""Tracing: recorded to files on the request's path, delivered to Langfuse behind it."""

from app.tracing.events import Record, ScoreRecord, SpanRecord
from app.tracing.factory import make_tracer
from app.tracing.reader import read_trace
from app.tracing.tracer import NoTracer, SpoolTracer

__all__ = ["NoTracer", "Record", "ScoreRecord", "SpanRecord", "SpoolTracer", "make_tracer", "read_trace"]
