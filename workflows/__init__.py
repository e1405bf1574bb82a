"""LangGraph: the state machine that answers a question from notes."""
