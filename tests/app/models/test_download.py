"""Downloads from a real server that drops connections, ignores ranges, lies, and changes its mind."""

import os
import re
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.models.catalogue import catalogue
from app.models.download import Download
from app.models.library import Library, digest
from terakoya.errors import BadInput, Busy, TerakoyaError, Unavailable
from tests.app.models.hub import Hub, serving
from tests.gguf import tiny_gguf


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return tiny_gguf(tmp_path_factory.mktemp("hub") / "whole.gguf", layers=4).read_bytes()


@pytest.fixture
def hub(content: bytes) -> Iterator[Hub]:
    with serving(Hub(content)) as made:
        yield made


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


@pytest.fixture
def download(hub: Hub, library: Library) -> Callable[..., Download]:
    def make(**options: Any) -> Download:
        given = {"wait": lambda seconds: None, "timeout": httpx.Timeout(10.0), **options}
        return Download(given.pop("address", hub.url), library.path("model"), library, **given)

    return make


def leftovers(library: Library) -> list[str]:
    return sorted(path.name for path in library.folder.iterdir())


def test_a_whole_file_is_there_with_its_checksum_and_nobody_else_can_read_it(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    seen: list[tuple[int, int]] = []
    origin = download(size=len(hub.content), sha256=hub.digest).run(
        lambda done, total: seen.append((done, total))
    )
    path = library.path("model")
    assert path.read_bytes() == hub.content
    assert (origin.sha256, origin.bytes) == (hub.digest, len(hub.content))
    assert library.origin(path) == origin
    assert seen[-1] == (len(hub.content), len(hub.content))
    assert path.stat().st_mode & 0o077 == 0
    assert leftovers(library) == ["model.gguf", "model.gguf.json"]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.drops = [100_000, 300_000, 1]
    download(sha256=hub.digest).run()
    assert hub.ranges_asked == ["", "bytes=100000-", "bytes=400000-", "bytes=400001-"]
    assert {headers.get("if-range") for headers in hub.asked[1:]} == {'"one"'}
    assert digest(library.path("model")) == hub.digest


def test_a_later_run_goes_on_from_what_an_earlier_one_left(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.drops = [200_000]
    hub.statuses = []

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(sha256=hub.digest, wait=stop).run()
    assert not library.path("model").exists()
    download(sha256=hub.digest).run()
    assert hub.ranges_asked == ["", "bytes=200000-"]
    assert digest(library.path("model")) == hub.digest


def test_a_server_that_ignores_ranges_is_asked_for_all_of_it(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.ranges, hub.drops = False, [300_000]
    download(sha256=hub.digest).run()
    assert digest(library.path("model")) == hub.digest


def test_a_file_that_changed_meanwhile_is_not_glued_to_the_old_one(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.drops = [300_000]

    def change(seconds: float) -> None:
        hub.etag = '"two"'
        hub.content = hub.content[:-8] + b"\0" * 8

    download(wait=change).run()
    assert library.path("model").read_bytes() == hub.content


def test_a_part_without_a_way_to_tell_that_it_fits_is_not_used(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.etag, hub.drops = "", [300_000]
    download().run()
    assert hub.ranges_asked == ["", ""]
    assert library.path("model").read_bytes() == hub.content


@pytest.mark.parametrize("by", [-5, 5])
def test_a_server_that_says_another_size_than_the_catalogue_is_refused(
    hub: Hub, library: Library, download: Callable[..., Download], by: int
) -> None:
    with pytest.raises(BadInput) as caught:
        download(size=len(hub.content) + by).run()
    assert caught.value.key == "pull_size"
    assert not library.path("model").exists()


def test_a_server_that_says_too_small_a_size_ends_in_a_sentence(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.size = len(hub.content) - 1000
    with pytest.raises(BadInput) as caught:
        download(sha256=hub.digest).run()
    assert caught.value.key == "pull_checksum"
    assert leftovers(library) == []


def test_a_server_that_promises_more_than_it_has_is_given_up(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.size = len(hub.content) + 1000
    with pytest.raises(Unavailable) as caught:
        download(sha256=hub.digest).run()
    assert caught.value.key == "pull_cut"
    assert len(hub.asked) < 20


def test_wrong_bytes_are_deleted_and_told(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    wanted = hub.digest
    hub.content = hub.content[:-1] + bytes([hub.content[-1] ^ 1])
    with pytest.raises(BadInput) as caught:
        download(sha256=wanted).run()
    assert caught.value.key == "pull_checksum"
    assert wanted in str(caught.value)
    assert leftovers(library) == []


def test_a_page_instead_of_a_model_is_deleted_and_told(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.content = b"<!doctype html><title>Please log in</title>" * 100
    with pytest.raises(BadInput) as caught:
        download().run()
    assert caught.value.key == "pull_not_gguf"
    assert leftovers(library) == []


def test_a_checksum_that_the_server_itself_tells_is_compared(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.linked, hub.drops = True, [300_000]
    whole = download()
    assert whole.run().sha256 == hub.digest
    assert whole.checked


def test_an_overloaded_server_is_asked_again_after_the_time_that_it_names(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.statuses = [(503, {}), (429, {"Retry-After": "7"})]
    waited: list[float] = []
    download(wait=waited.append, sha256=hub.digest).run()
    assert waited[1] == 7.0
    assert 0 <= waited[0] <= 0.5


@pytest.mark.parametrize(
    ("status", "key"), [(404, "pull_status"), (401, "pull_refused"), (403, "pull_refused")]
)
def test_a_server_that_does_not_give_it_is_not_asked_again(
    hub: Hub, download: Callable[..., Download], status: int, key: str
) -> None:
    hub.statuses = [(status, {})]
    with pytest.raises(BadInput) as caught:
        download().run()
    assert caught.value.key == key
    assert len(hub.asked) == 1


def test_a_redirection_out_of_encryption_is_not_followed(hub: Hub, download: Callable[..., Download]) -> None:
    hub.statuses = [(302, {"Location": "http://models.example/model.gguf"})]
    with pytest.raises(BadInput) as caught:
        download().run()
    assert caught.value.key == "pull_insecure"


def test_a_redirection_is_followed_and_what_it_says_of_the_file_counts(
    hub: Hub, content: bytes, library: Library, download: Callable[..., Download]
) -> None:
    told = {"X-Linked-Etag": f'"{hub.digest}"', "X-Linked-Size": str(len(content))}
    hub.statuses = [(302, {"Location": "/elsewhere?signature=1", **told})]
    whole = download()
    whole.run()
    assert whole.checked


def test_without_a_network_one_sentence_says_what_to_download_and_where_to_put_it(
    library: Library, download: Callable[..., Download]
) -> None:
    with pytest.raises(Unavailable) as caught:
        download(address="http://127.0.0.1:9/qwen3.gguf").run()
    assert caught.value.key == "pull_offline"
    said = str(caught.value)
    assert "http://127.0.0.1:9/qwen3.gguf" in said
    assert str(library.path("model")) in said


def test_a_full_disk_is_told_before_anything_comes(
    hub: Hub, library: Library, download: Callable[..., Download], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = os.statvfs_result((4096, 4096, 9, 9, 9, 9, 9, 9, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda path: small)
    with pytest.raises(Unavailable) as caught:
        download(size=len(hub.content)).run()
    assert caught.value.key == "models_disk"
    assert not library.path("model").exists()


def test_two_downloads_of_one_model_do_not_write_into_one_another(
    hub: Hub, download: Callable[..., Download]
) -> None:
    errors: list[TerakoyaError] = []

    def another() -> None:
        try:
            download().run()
        except TerakoyaError as error:
            errors.append(error)

    hub.during = another
    download(sha256=hub.digest).run()
    assert [type(error) for error in errors] == [Busy]


def test_a_part_of_another_address_is_not_used(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.drops = [200_000]

    def stop(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(wait=stop).run()
    download(address=hub.url.replace("model", "other"), sha256=hub.digest).run()
    assert hub.ranges_asked == ["", ""]


def test_a_server_that_stalls_is_left_and_asked_for_the_rest(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.stalls = [100_000, 0, 50_000]
    download(sha256=hub.digest, timeout=httpx.Timeout(5.0, read=0.3)).run()
    assert hub.ranges_asked == ["", "bytes=100000-", "bytes=100000-", "bytes=150000-"]
    assert digest(library.path("model")) == hub.digest


def test_a_server_that_only_stalls_is_given_up_in_a_sentence(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    hub.stalls = [0] * 20
    with pytest.raises(Unavailable) as caught:
        download(timeout=httpx.Timeout(5.0, read=0.1)).run()
    assert caught.value.key == "pull_cut"
    assert len(hub.asked) < 20


def test_redirections_in_a_circle_have_an_end(hub: Hub, download: Callable[..., Download]) -> None:
    hub.statuses = [(307, {"Location": "/model.gguf"})] * 50
    with pytest.raises(BadInput) as caught:
        download().run()
    assert caught.value.key == "pull_status"
    assert len(hub.asked) < 10


def test_a_disk_that_fills_up_on_the_way_is_told_and_with_space_it_goes_on(
    hub: Hub, library: Library, download: Callable[..., Download]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))  # no file here may grow beyond that
    try:
        with pytest.raises(Unavailable) as caught:
            download(sha256=hub.digest).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.key == "pull_disk"
    for language in ("en", "ja"):
        assert str(library.folder) in caught.value.message(language)
    assert not library.path("model").exists()
    part = next(library.folder.glob(".*.part")).stat().st_size
    assert 0 < part <= 300_000
    download(sha256=hub.digest).run()
    assert hub.ranges_asked == ["", f"bytes={part}-"]
    assert digest(library.path("model")) == hub.digest


def test_every_entry_of_the_catalogue_names_one_file_for_good() -> None:
    for entry in catalogue().values():
        assert re.fullmatch("[0-9a-f]{64}", entry.sha256)
        assert re.fullmatch("[0-9a-f]{40}", entry.revision)  # a branch would move away from its checksum
        assert entry.file.endswith(".gguf")
        assert entry.licence
        assert entry.languages
        assert entry.footprint.weights > 10**8
        assert urlsplit(entry.address("https://hub.example")).path.count("/") == 5
