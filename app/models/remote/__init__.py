"""Chat models at a server with OpenAI's API."""
