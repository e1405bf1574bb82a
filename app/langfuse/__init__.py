"""Langfuse beside tracing: datasets, experiments and prompts, over the API that its SDK 5 uses."""
