"""The HTTP service: it owns the data and the runs, and answers on loopback to those who hold its token."""
