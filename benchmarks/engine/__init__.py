"""The local engine beside llama-cpp-python's `Llama` and its server."""
