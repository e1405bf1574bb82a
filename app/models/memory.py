"""How much memory a new process may take on this machine."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_memory(*, meminfo: Path = Path("/proc/meminfo"), cgroup: Path = _CGROUP) -> int | None:
    """Bytes that can be taken without pushing anyone out; None where the system does not tell.

    On Linux the smaller of `MemAvailable` and what the container's limit leaves (page cache that can be
    dropped counts as free); elsewhere the physical memory.
    """
    limits = [limit for limit in (_meminfo(meminfo), _cgroup(cgroup)) if limit is not None]
    if limits:
        return min(limits)
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _meminfo(path: Path) -> int | None:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _cgroup(folder: Path) -> int | None:
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(0, int(limit) - used + int(statistics.get("inactive_file", 0)))
