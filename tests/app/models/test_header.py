from pathlib import Path

import pytest

from app.models.gguf import read_header
from app.models.memory import available_memory
from terakoya.errors import BadInput
from tests.gguf import tiny_gguf


def test_the_header_tells_what_running_the_model_takes(tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "a.gguf", context=2048, layers=3, width=64)
    header = read_header(path)
    assert (header.architecture, header.name, header.context) == ("llama", "tiny", 2048)
    assert header.cache_per_token == 3 * 2 * (16 + 16) * 2  # layers, cached heads, key and value, bytes
    assert header.vocabulary > 500
    assert (header.heads, header.state) == (4, 0)
    footprint = header.footprint
    assert footprint.memory(100) == path.stat().st_size + 100 * header.cache_per_token + footprint.overhead(
        100
    )
    assert footprint.memory(9999) == footprint.memory(2048)


@pytest.mark.parametrize("content", [b"", b"GG", b"# Notes\n" * 100, b"GGML" + bytes(100)])
def test_another_kind_of_file_is_refused_by_its_first_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.gguf").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        read_header(tmp_path / "notes.gguf")
    assert caught.value.key == "model_not_gguf"
    assert "notes.gguf" in str(caught.value)


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        read_header(tmp_path)
    assert caught.value.key == "model_not_gguf"


@pytest.mark.parametrize("path", ["none.gguf", "a.gguf/none.gguf"])
def test_a_missing_file_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "a.gguf").touch()
    with pytest.raises(BadInput) as caught:
        read_header(tmp_path / path)
    assert caught.value.key == "model_missing"


def test_every_cut_through_the_header_is_refused_and_none_crashes(tmp_path: Path) -> None:
    whole = tiny_gguf(tmp_path / "whole.gguf").read_bytes()
    header = whole.index(b"token_embd.weight") - 8
    cut = tmp_path / "cut.gguf"
    for length in [33, 64, 100, 200, 1000, header // 2, header - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(BadInput) as caught:
            read_header(cut)
        assert caught.value.key == "model_broken"


def test_a_header_that_lies_about_lengths_takes_no_memory(tmp_path: Path) -> None:
    lying = tmp_path / "lying.gguf"
    lying.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + b"\xff" * 8 + bytes(64))
    with pytest.raises(BadInput) as caught:
        read_header(lying)
    assert caught.value.key == "model_broken"


def test_available_memory_is_the_smaller_of_machine_and_container(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    assert available_memory(meminfo=meminfo, cgroup=tmp_path / "none") == 4000 * 1024
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2500000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 400000\n")
    assert available_memory(meminfo=meminfo, cgroup=tmp_path) == 900_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory(meminfo=meminfo, cgroup=tmp_path) == 4000 * 1024
