"""`steno export` to files: tables as Parquet or JSON lines, or a folder that holds all and can be read back."""
