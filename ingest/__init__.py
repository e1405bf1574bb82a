"""Notes on disk to a DuckDB store, and the search over it."""
