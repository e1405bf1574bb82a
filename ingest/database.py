"""A DuckDB file: who may open it, and how it is read and changed."""

import os
import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeVar

import duckdb

from terakoya.errors import Busy, Unavailable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

T = TypeVar("T")

_LOCKED: Final = re.compile(
    "could not set lock|different configuration|used by another process|conflict on", re.IGNORECASE
)
_FULL: Final = re.compile("no space left|quota exceeded|file too large", re.IGNORECASE)
MEMORY_MB: Final = 2048
_REMEMBERED: Final = 256
"""Statements whose parsed form is kept: to parse a long one takes as long as to run it over 100,000 rows."""


class Database:
    """One DuckDB file. Safe in several threads; one process may have it open for writing.

    Attributes:
        missing: Key of the sentence for a file that is to be read and is not there.
        busy: Key of the sentence for a file that another process has open.
        damaged: Key of the sentence for a file that cannot be read.
        changes: Number of transactions that this process committed. As no other process can write meanwhile,
            what was read stays true while it is the same.
    """

    missing: ClassVar[str]
    busy: ClassVar[str]
    damaged: ClassVar[str]

    def __init__(self, path: Path | None, *, read_only: bool, memory_mb: int = MEMORY_MB) -> None:
        """Opens the file; for writing it is made when it is not there. None is a database in memory.

        Args:
            path: The file.
            read_only: Leave it as it is.
            memory_mb: MiB that DuckDB may use; what needs more goes to files beside the database, or fails.

        Raises:
            Unavailable: It is not there, or damaged.
            Busy: Another process has it open.
        """
        self.path = path or Path(":memory:")
        self.read_only = read_only
        self.writing = threading.RLock()
        self.changes = 0
        self._memory_mb = memory_mb
        self._parsed = lru_cache(maxsize=_REMEMBERED)(self._parse)
        self._connection = self._connect(path)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the file."""
        self.close()

    def close(self) -> None:
        """Lets go of the file; what was committed is on disk."""
        self._connection.close()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection for the calling thread."""
        return self._connection.cursor()

    def rows(self, sql: str, values: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            Unavailable: The file is damaged where it was read.
        """
        try:
            with self.cursor() as cursor:
                return cursor.execute(self._parsed(sql), values or {}).fetchall()
        except duckdb.ProgrammingError:
            raise
        except duckdb.Error as error:
            raise self.translated(error) from error

    def columns(self, sql: str, values: Mapping[str, object]) -> "dict[str, NDArray[Any]]":
        """The columns of a query as NumPy arrays, which is quicker than rows where a column holds vectors.

        Raises:
            Unavailable: The file is damaged where it was read.
        """
        try:
            with self.cursor() as cursor:
                return cursor.execute(self._parsed(sql), values).fetchnumpy()
        except duckdb.Error as error:
            raise self.translated(error) from error

    def arrow(self, sql: str, values: Mapping[str, object]) -> "pa.Table":
        """A query's result in Arrow's format, which is quicker than NumPy where thousands of vectors are read.

        Raises:
            Unavailable: The file is damaged where it was read.
        """
        try:
            with self.cursor() as cursor:
                return cursor.sql(sql, params=dict(values)).to_arrow_table()
        except duckdb.Error as error:
            raise self.translated(error) from error

    def lend(self, size_mb: int) -> None:
        """Leaves so many MiB of its memory to something else in this process, instead of what it left before.

        Raises:
            Unavailable: It cannot do without them now.
        """
        try:
            with self.cursor() as cursor:
                cursor.execute(f"SET memory_limit = '{self._memory_mb - size_mb} MiB'")
        except duckdb.Error as error:
            raise self.translated(error) from error

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose changes all become visible at the end, or none of them."""
        with self.writing, self.cursor() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
                self.changes += 1
            except duckdb.Error as error:
                _rollback(cursor)
                raise self.translated(error) from error
            except BaseException:
                _rollback(cursor)
                raise

    def translated(self, error: duckdb.Error) -> Unavailable:
        """What DuckDB says, as an error that a person may see."""
        said = str(error)
        if _LOCKED.search(said):
            return Busy(self.busy, path=self.path)
        if _FULL.search(said):
            return Unavailable("disk_full", path=self.path)
        if isinstance(error, duckdb.OutOfMemoryException):
            return Unavailable("store_memory", path=self.path, limit=self._memory_mb)
        return Unavailable(self.damaged, path=self.path, reason=said.splitlines()[0])

    def _parse(self, sql: str) -> Any:
        with self.cursor() as cursor:
            statements = cursor.extract_statements(sql)
        return statements[0] if len(statements) == 1 else sql

    def _connect(self, path: Path | None) -> duckdb.DuckDBPyConnection:
        if path and not path.exists():
            if self.read_only:
                raise Unavailable(self.missing, path=path)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make(path)
        return self._opened(path)

    def _make(self, path: Path) -> None:
        """Makes an empty file in one step: one whose process is killed while DuckDB begins it cannot be opened."""
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            self._opened(beside).close()
            beside.chmod(0o600)
            try:
                os.link(beside, path)
            except FileExistsError:  # another process made it meanwhile, and may have written to it
                return
            except OSError:  # a file system without links
                beside.rename(path)
        finally:
            beside.unlink(missing_ok=True)

    def _opened(self, path: Path | None) -> duckdb.DuckDBPyConnection:
        try:
            connection = duckdb.connect(
                path or ":memory:",
                read_only=self.read_only,
                config={
                    "autoinstall_known_extensions": False,
                    "autoload_known_extensions": False,
                    "enable_external_access": False,  # SQL reaches no other file and no network
                },
            )
            # of unit vectors it saves nothing, and makes writing and reading them slower by a third
            connection.execute("SET disabled_compression_methods = 'alp,alprd'")
            connection.execute(f"SET memory_limit = '{self._memory_mb} MiB'")
            return connection
        except duckdb.Error as error:
            raise self.translated(error) from None


class Derived(Generic[T]):
    """What is worked out from a database, again after each change of it only. Safe in several threads.

    Args:
        database: What it is worked out from.
        make: Works it out.
    """

    def __init__(self, database: Database, make: Callable[[], T]) -> None:
        self._database = database
        self._make = make
        self._known: tuple[int, T] | None = None

    def __call__(self) -> T:
        """The value. Raises what working it out raises."""
        known, changes = (
            self._known,
            self._database.changes,
        )  # of before: what is committed meanwhile is later
        if known is None or known[0] != changes:
            known = self._known = changes, self._make()
        return known[1]


@contextmanager
def registered(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, object],
    matrix: "NDArray[np.float32]",
) -> Iterator[None]:
    """A relation with one vector a row; through Arrow, as a parameter's lists take twenty times as long."""
    import numpy as np
    import pyarrow as pa

    rows = np.ascontiguousarray(matrix, dtype=np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), rows.shape[1])
    cursor.register(name, pa.table({**columns, "vector": vectors}))
    try:
        yield
    finally:
        cursor.unregister(name)


def _rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:  # the transaction is already gone, or the database is
        return
