"""Parquet, read within bounds: what a file declares may be far more than it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elman.bounds import MOST_COLUMNS, check_memory, check_regular
from elman.data.optional import library
from elman.errors import InputError

_BYTES_OF_A_CELL = 8
"""At least, once a column is read."""


def read_parquet(path: Path) -> Any:
    """The table of pyarrow that a file holds, each column of a type that pandas knows.

    Raises:
        InputError: not Parquet, damaged, or more than fits into memory.
    """
    check_regular(path)
    parquet, pa = library("pyarrow.parquet", extra="text"), library("pyarrow")
    try:
        file = parquet.ParquetFile(path, memory_map=False)
        _check_declared(path, file)
        # Text stays a dictionary until its real size is known: a page of one byte can stand for
        # the same long word a billion times.
        words = [
            field.name
            for field in file.schema_arrow
            if pa.types.is_string(field.type) or pa.types.is_binary(field.type)
        ]
        read = parquet.ParquetFile(path, memory_map=False, read_dictionary=words).read()
        return _plain(path, read, pa)
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, MemoryError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"{path}: can't be read as Parquet ({reason}); write it again") from error


def _check_declared(path: Path, file: Any) -> None:
    """Refuse what is too much before it is read."""
    metadata = file.metadata
    if metadata.num_columns > MOST_COLUMNS:
        raise InputError(
            f"{path}: {metadata.num_columns:,} columns, above the bound of {MOST_COLUMNS:,}; put"
            " them into rows (a long table)"
        )
    groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
    remedy = "give fewer rows or columns at once"
    cells = metadata.num_rows * metadata.num_columns
    declared = sum(group.total_byte_size for group in groups)
    check_memory(path, max(_BYTES_OF_A_CELL * cells, declared), remedy)
    # Only the cells of lists are not counted by the rows. Their number stands in the metadata of a
    # column, which pyarrow ends the process over where it is damaged; a read raises before that.
    columns = [file.schema.column(place) for place in range(metadata.num_columns)]
    nested = [place for place, column in enumerate(columns) if column.max_repetition_level]
    if nested:
        for place in range(len(groups)):
            next(file.iter_batches(batch_size=1, row_groups=[place]), None)
        cells = sum(group.column(place).num_values for group in groups for place in nested)
        check_memory(path, _BYTES_OF_A_CELL * cells, remedy)


def _plain(path: Path, read: Any, pa: Any) -> Any:
    """The table with dictionaries spelled out and types that pandas lacks replaced."""
    columns, size = [], 0
    for column in read.columns:
        kind = column.type
        if pa.types.is_dictionary(kind):
            size += sum(_spelled_out(chunk, pa) for chunk in column.chunks)
            check_memory(path, size, "give fewer rows or columns at once")
            column = column.cast(kind.value_type)
        elif pa.types.is_float16(kind):
            column = column.cast(pa.float32())
        elif pa.types.is_run_end_encoded(kind):
            column = column.cast(kind.value_type)
        elif pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
            column = column.cast(
                pa.large_string() if pa.types.is_string_view(kind) else pa.large_binary()
            )
        columns.append(column)
    return pa.table(columns, names=read.column_names) if columns else read


def _spelled_out(chunk: Any, pa: Any) -> int:
    """Bytes of a column once each cell holds its own words."""
    compute = library("pyarrow.compute")
    kind = chunk.type.value_type
    if not (pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind)):
        return _BYTES_OF_A_CELL * len(chunk)
    lengths = compute.binary_length(chunk.dictionary)
    total = compute.sum(compute.cast(lengths.take(chunk.indices), pa.int64())).as_py()
    return int(total or 0) + _BYTES_OF_A_CELL * len(chunk)
