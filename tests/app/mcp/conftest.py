import pytest

from app.mcp.configuration import ServerConfig
from app.mcp.server import Limits
from app.mcp.toolbox import McpToolbox
from tests.app.mcp.npm_servers import node, script


@pytest.fixture
def box(tmp_path):
    """Makes a toolbox of servers, and ends them."""
    made = []

    def make(*configs, builtin=(), **limits):
        path = tmp_path / "mcp.json"
        toolbox = McpToolbox(builtin, configs, path=path, limits=Limits(**{"start": 60.0, **limits}))
        made.append(toolbox)
        return toolbox

    yield make
    for toolbox in made:
        toolbox.close()


@pytest.fixture
def npm(tmp_path):
    """The configuration of a server from npm; `pid` of it tells its process."""

    def config(name, *args, **more):
        pid = tmp_path / f"{name}.pid"
        line = f'echo $$ >> "{pid}"; exec "$0" "$@"'
        return ServerConfig(
            name=name, command="sh", args=("-c", line, str(node()), script(name), *map(str, args)), **more
        )

    config.pids = lambda name: [int(line) for line in (tmp_path / f"{name}.pid").read_text().split()]
    return config
