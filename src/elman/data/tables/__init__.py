"""One reader of tables: text with delimiters, JSON lines, Parquet, frames and dicts of columns."""
