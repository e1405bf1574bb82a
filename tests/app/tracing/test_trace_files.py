import json
import resource
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from app.tracing import SpoolTracer, read_trace
from app.tracing.spool import Spool, trace_files

Child = Callable[[str], subprocess.Popen[str]]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_traces(tracer: SpoolTracer, home: Path) -> None:
    home.mkdir(mode=0o755)
    (home / "traces").mkdir(mode=0o755)
    with tracer.trace("ask"):
        pass
    assert tracer.flush(10)
    (file,) = trace_files(home / "traces")
    assert (mode(home / "traces"), mode(file)) == (0o700, 0o600)


def test_several_processes_write_whole_lines_into_one_file(child: Child, home: Path) -> None:
    script = """
for n in range(150):
    with tracer.trace("ask", input="質" * 2000):
        with tracer.span("step", input="x" * 5000):
            pass
assert tracer.flush(60)
tracer.close()
"""
    writers = [child(script) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    (file,) = trace_files(home / "traces")
    lines = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert len(lines) == 3 * 150 * 3
    assert len({line["trace_id"] for line in lines}) == 450


def test_a_killed_process_leaves_what_it_had_finished(
    child: Child, home: Path, until: Callable[..., None]
) -> None:
    process = child("""
import time
with tracer.trace("ask", input="q") as root:
    with tracer.span("done"):
        pass
    print(root.trace_id, flush=True)
    time.sleep(600)
""")
    assert process.stdout
    trace_id = process.stdout.readline().strip()
    until(lambda: len(read_trace(home / "traces", trace_id)) == 2)
    process.kill()
    assert [record.name for record in read_trace(home / "traces", trace_id)] == ["ask", "done"]


def test_a_process_that_just_ends_loses_nothing(child: Child, home: Path) -> None:
    process = child('with tracer.trace("ask") as root:\n    pass\nprint(root.trace_id)')
    assert process.stdout
    trace_id = process.stdout.readline().strip()
    assert process.wait(60) == 0
    assert len(read_trace(home / "traces", trace_id)) == 1


def test_a_line_torn_by_a_crash_spoils_no_other(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    first.append(b'{"type":"score"}')
    first.close(10)
    (file,) = trace_files(tmp_path)
    with file.open("ab") as torn:
        torn.write(b'{"type":"sp')
    second = Spool(tmp_path)
    second.append(b'{"type":"trace"}')
    second.close(10)
    assert file.read_bytes().splitlines() == [b'{"type":"score"}', b'{"type":"sp', b'{"type":"trace"}']


def test_a_full_disk_costs_the_caller_nothing_and_lines_follow_later(tmp_path: Path, child: Child) -> None:
    process = child("""
import resource, signal
from app.tracing.reader import read_trace
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
ids = []
for n in range(20):
    with tracer.trace("ask", input="x" * 500) as root:
        ids.append(root.trace_id)
print(tracer.flush(5), tracer.spool.failures > 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
import time
end = time.monotonic() + 30
while not tracer.flush(5) and time.monotonic() < end:
    time.sleep(0.05)
print([len(read_trace(home / "traces", one)) for one in ids] == [1] * 20, tracer.spool.dropped_lines)
tracer.close()
""")
    out, _ = process.communicate(timeout=60)
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    assert out.splitlines() == ["False True", "True 0"]


def test_a_folder_that_cannot_be_made_is_one_log_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, until: Callable[..., None]
) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file")
    for _ in range(3):
        spool.append(b"{}", urgent=True)
    until(lambda: spool.failures >= 2)
    assert len([r for r in caplog.records if "cannot be written" in r.message]) == 1
    spool.close(0.2)


def test_a_folder_that_vanishes_is_made_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "traces")
    spool.append(b'{"n":1}')
    assert spool.flush(10)
    for file in trace_files(tmp_path / "traces"):
        file.unlink()
    (tmp_path / "traces").rmdir()
    spool.append(b'{"n":2}')
    assert spool.flush(10)
    spool.close(10)
    (file,) = trace_files(tmp_path / "traces")
    assert file.read_bytes() == b'{"n":2}\n'


def test_files_are_followed_by_others_and_the_oldest_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "2020-01-01.jsonl").write_bytes(b"x" * 900)
    spool = Spool(tmp_path, file_bytes=1_000, total_bytes=3_500)
    for number in range(30):
        spool.append(b'{"n":%3d,"text":"%s"}' % (number, b"x" * 230))
        assert spool.flush(10)
    spool.close(10)
    files = trace_files(tmp_path)
    assert sum(file.stat().st_size for file in files) <= 3_500
    assert spool.dropped_files >= 4
    kept = [json.loads(line)["n"] for file in files for line in file.read_bytes().splitlines()]
    assert kept == list(range(kept[0], 30))


def test_memory_for_lines_that_the_disk_does_not_take_is_bounded(
    tmp_path: Path, until: Callable[..., None]
) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file", queue_bytes=1_000)
    for _ in range(100):
        spool.append(b"x" * 100)
    until(lambda: spool.failures)
    assert spool.dropped_lines >= 85
    spool.close(0.2)


def test_a_trace_is_found_across_files_and_broken_lines(tmp_path: Path) -> None:
    ids = {"trace_id": "a" * 32, "kind": "span", "name": "n"}
    root = {"type": "trace", "span_id": "1" * 16, "start": 1, "end": 5, **ids}
    step = {"type": "span", "span_id": "2" * 16, "parent_id": "1" * 16, "start": 2, "end": 3, **ids}
    (tmp_path / "2027-01-31.jsonl").write_text(json.dumps(step) + '\n{"trace_id":"' + "a" * 32 + "\n")
    (tmp_path / "2027-02-01.jsonl").write_text(json.dumps({**root, "start": 1e999}) + "\n" + json.dumps(root))
    assert [record.span_id for record in read_trace(tmp_path, "A" * 32) if hasattr(record, "span_id")] == [
        "1" * 16,
        "2" * 16,
    ]


@pytest.mark.parametrize("trace_id", ["", "zz", "../../etc/passwd", "b" * 32])
def test_an_unknown_trace_is_empty(tmp_path: Path, trace_id: str) -> None:
    (tmp_path / "2027-01-31.jsonl").write_text("{}\n")
    assert read_trace(tmp_path, trace_id) == []


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path, until: Callable[..., None]) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "traces"
    folder.mkdir()
    probe = Spool(folder)
    probe.append(b"{}")
    probe.close(10)
    (file,) = trace_files(folder)
    file.unlink()
    file.symlink_to(outside)
    spool = Spool(folder)
    spool.append(b"{}", urgent=True)
    until(lambda: spool.failures)
    spool.close(0.2)
    assert outside.read_text() == "mine"
