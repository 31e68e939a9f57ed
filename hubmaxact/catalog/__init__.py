"""Many reports as one table: read as hostile input, kept in one Parquet file with a manifest.

The table is all that a comparison page needs; nothing here loads torch, and pyarrow only when a
table is written or read.
"""
