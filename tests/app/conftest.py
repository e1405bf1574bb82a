import subprocess
import sys
from contextlib import contextmanager

import pytest
from running import FAKES, Processes, clean_environment, until

from terakoya.client import ServiceClient


@pytest.fixture
def processes():
    made = Processes()
    yield made
    made.end()


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@contextmanager
def serving(home):
    processes = Processes()
    process = processes.start(FAKES, "serve", home)

    def look():
        assert process.poll() is None, process.communicate()[1]
        return ServiceClient.discover(home, language="en")

    try:
        with until(look) as client:
            client.process, client.home = process, home
            yield client
    finally:
        processes.end()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A client of a service over the installation in memory, which the tests of a module share."""
    with serving(tmp_path_factory.mktemp("service") / "home") as client:
        yield client


@pytest.fixture
def own_service(home):
    """The same for one test alone."""
    with serving(home) as client:
        yield client


@pytest.fixture
def terakoya(home):
    """Runs the command line over the installation in memory."""

    def run(*arguments, stdin=b"", home_first=True, **environment):
        given = ["--home", str(home), *arguments] if home_first else list(arguments)
        done = subprocess.run(
            [sys.executable, str(FAKES), "cli", *given],
            env=clean_environment(**environment),
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        done.out, done.err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        return done

    return run
