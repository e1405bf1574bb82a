"""The service: settings, wiring, HTTP API, command line, tracing and chat models."""
