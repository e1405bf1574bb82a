"""The reader of files, as a worker process has it."""

import pickle
import tracemalloc
from pathlib import Path

from ingest.folder import scope_of, walk
from ingest.read import Reading
from ingest.reader import Candidate, FileReader
from terakoya.text.analyser import Analyser


def test_a_reader_in_a_worker_keeps_nothing_of_what_it_read(notes: Path, write, analyser: Analyser) -> None:
    count, first = 400, 50
    write({f"{n}.md": f"第{n}回の記録 number {n} of the log, about 光合成 and leaves." for n in range(count)})
    here = FileReader(root=notes, max_bytes=2**20, reading=Reading(), analyser=analyser)
    reader = pickle.loads(pickle.dumps(here))
    found = list(walk(scope_of(notes, []), [], lambda below, error: None))
    assert len(found) == count
    for each in found[:first]:
        reader(Candidate(found=each))
    tracemalloc.start()
    try:
        for each in found[first:]:
            _, note = reader(Candidate(found=each))
            assert note.chunks
        del note
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 500 * (count - first)
