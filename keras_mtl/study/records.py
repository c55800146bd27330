"""What a study has found, line by line: nothing that was written is changed."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_mtl._types import PathLike

try:
    import fcntl
except ImportError:  # Windows: one run at a time is up to the user there.
    fcntl = None  # type: ignore[assignment]


class Records:
    """A file of JSON lines that several runs may append to at once.

    Args:
        path: the file; it need not be there yet.

    Example:

    >>> import os, tempfile
    >>> from keras_mtl.study.records import Records
    >>> records = Records(os.path.join(tempfile.mkdtemp(), "records.jsonl"))
    >>> records.append({"kind": "row", "hash": "a1"})
    >>> records.read()
    [{'kind': 'row', 'hash': 'a1'}]
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self._read: tuple[int, dict[str, dict]] = (0, {})

    def append(self, record: dict[str, Any]) -> None:
        """Adds a line, on disk when this returns."""
        line = json.dumps(record).encode() + b"\n"
        with locked(self.path.with_suffix(".lock")), self.path.open("ab+") as file:
            # A line that was cut when its writer was stopped stays by itself.
            if file.tell() and not self._ends_whole(file):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[dict[str, Any]]:
        """All whole lines, in the order in which they came.

        A line whose writer was stopped within it is left out.

        Raises:
            ValueError: a line is no record.
        """
        if not self.path.exists():
            return []
        records = []
        lines = self.path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError:
                record = None
            if isinstance(record, dict) and {"kind", "hash"} <= set(record):
                records.append(record)
            elif record is not None or not line.startswith(b"{"):
                raise ValueError(
                    f"{self.path} must hold a JSON object a line. Received in line {number}: "
                    f"{line[:60]!r}. Remove that line; what it stood for is computed again."
                )
        return records

    def by_hash(self) -> dict[str, dict[str, Any]]:
        """The last record of each training and row, by its hash."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != self._read[0]:
            self._read = size, {each["hash"]: each for each in self.read()}
        return self._read[1]

    @staticmethod
    def _ends_whole(file):
        file.seek(-1, 2)
        return file.read(1) == b"\n"


@contextlib.contextmanager
def locked(path: PathLike) -> Iterator[None]:
    """Within it no other process is within the same; who is killed lets go."""
    with Path(path).open("a") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
