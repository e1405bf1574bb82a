"""The vocabulary that every part of Terakoya shares, and nothing else."""

__version__ = "0.1.0"
