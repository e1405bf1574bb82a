"""Chat models: a local GGUF in a worker process of its own, and what it takes to install and feed it."""
