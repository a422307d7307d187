"""What a dataset needs of a file format."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_msginsights.outputs.schema import Column
    from airflow_provider_msginsights.outputs.values import ColumnValues, Values


class Format(Protocol):
    """What a dataset needs of a file format; equal rows always give equal bytes.

    ``extension`` ends the names of its files; ``least_row_bytes`` is what a row takes at least, to guess how many a
    file holds.
    """

    @property
    def extension(self) -> str: ...  # noqa: D102 - described by the class
    @property
    def least_row_bytes(self) -> int: ...  # noqa: D102 - described by the class

    def write(self, rows: Iterable[Values], columns: Sequence[Column], file: IO[bytes]) -> int:
        """Write the rows to a file at its start, return how many."""

    def read_columns(self, data: bytes, columns: Sequence[Column]) -> Iterator[ColumnValues]:
        """Read a whole file as columns, some thousand rows at a time.

        :raises ValueError: for a file that only `read` reads or refuses.
        """

    def read(self, data: bytes, columns: Sequence[Column]) -> Iterator[Values]:
        """Read the rows of a whole file; a column that the file does not have is null.

        :raises ValueError: when the bytes are no file of this format.
        """
