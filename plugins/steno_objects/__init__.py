"""Artifacts in object stores: S3, Google Cloud Storage, Azure, and whatever else fsspec reaches."""

from __future__ import annotations

# For what S3's library needs of it: where a journal is delivered as the process ends, it can be imported no more.
import concurrent.futures.thread  # noqa: F401

from steno.hookspecs import hookimpl
from steno.plugins.registers import StoreRegister

_ELSEWHERE = {
    "gs": "steno[gcs]",
    "gcs": "steno[gcs]",
    "abfss": "steno[azure]",
    "abfs": "steno[azure]",
    "az": "steno[azure]",
    "sftp": "fsspec paramiko",
    "hdfs": "fsspec pyarrow",
    "fsspec": "fsspec",
}


@hookimpl
def steno_register_stores(register: StoreRegister) -> None:
    register.artifacts("s3", "steno_objects.s3:s3_store", remedy="'steno[s3]'")
    for scheme, remedy in _ELSEWHERE.items():
        register.artifacts(
            scheme, "steno_objects.filesystems:fsspec_store", remedy=f"'{remedy}'" if "[" in remedy else remedy
        )
