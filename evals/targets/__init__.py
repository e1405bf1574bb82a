"""Targets that stand outside this process: a running service, and any command that speaks its lines of JSON."""

from evals.targets.command import TIMEOUT, CommandTarget
from evals.targets.service import ServiceTarget

__all__ = ["TIMEOUT", "CommandTarget", "ServiceTarget"]
