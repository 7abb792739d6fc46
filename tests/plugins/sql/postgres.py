"""A PostgreSQL server of the tests' own: made in a folder, on a port of loopback, gone with the process that has it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg import sql
from steno_sql.schema import metadata

PASSWORD = "correct horse"
HBA = "host all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
# Crashes of the machine are not among what is tested; those of processes are, and lose nothing without fsync.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "autovacuum": "off",
}
UNPRIVILEGED = 65534


def programs() -> Path:
    """Return the folder of initdb and postgres, the newest where there are several."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for found in sorted(versions, key=lambda path: float(path.parts[-3]), reverse=True):
        return found.parent
    on_path = shutil.which("initdb")
    assert on_path, "PostgreSQL is not installed: `apt-get install postgresql`, or run .ci/run as root, which does that"
    return Path(on_path).resolve().parent


class Server:
    """A server in a folder of its own, which is not below that of the tests: only root can reach those."""

    def __init__(self) -> None:
        self.folder = folder = Path(tempfile.mkdtemp(prefix="steno-postgres-"))
        self.port = self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:  # PostgreSQL refuses to be run by root
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
            for above in folder.parents:
                if above.stat().st_uid == 0 and above != Path("/"):
                    above.chmod(above.stat().st_mode | 0o011)
        made = self._command("initdb", "-D", f"{folder}/data", "-U", "steno", "-A", "trust", "-E", "UTF8", "--no-sync")
        done = subprocess.run([*made, "--locale=C.UTF-8"], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "data" / "pg_hba.conf").write_text(HBA, "utf-8")

    def _command(self, program: str, *arguments: str) -> list[str]:
        as_nobody = [f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
        # The server ends with whoever started it, however that ends.
        prefix = ["setpriv", "--pdeathsig", "QUIT", *(as_nobody if os.getuid() == 0 else [])]
        return [*prefix, str(programs() / program), *arguments]

    def start(self) -> None:
        """Start it, on the port that it had before."""
        if not self.port:
            with closing(socket.create_server(("127.0.0.1", 0))) as place:
                self.port = int(place.getsockname()[1])
        settings = {**SETTINGS, "port": str(self.port)}
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            command = self._command("postgres", "-D", f"{self.folder}/data", *given)
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.admin("SELECT 1")
                return
            except psycopg.OperationalError:
                log_text = (self.folder / "log").read_text("utf-8", "replace")
                assert self._process.poll() is None, log_text
                assert time.monotonic() < deadline, log_text
                time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT like a crash, SIGINT in good order."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def uri(self, database: str, user: str = "steno") -> str:
        """Return the address of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def admin(self, words: str, database: str = "postgres") -> None:
        """Execute a statement as the one who may do everything."""
        with psycopg.connect(self.uri(database), autocommit=True) as connection:
            connection.execute(sql.SQL(words))  # type: ignore[arg-type]

    def new(self) -> str:
        """Make an empty database and return its name."""
        self._count += 1
        self.admin(f"CREATE DATABASE db_{self._count} TEMPLATE template0")
        return f"db_{self._count}"

    def keep(self, database: str) -> None:
        """Take note of what a store holds that is new."""
        self.admin("CREATE SCHEMA kept; CREATE TABLE kept.experiments AS TABLE experiments", database)

    def begin_again(self, database: str) -> None:
        """Let a store hold what it held when it was new; in a hundredth of the time that a new database takes."""
        gone = "; ".join(f"DELETE FROM {table.name}" for table in metadata.tables.values())
        back = "INSERT INTO experiments SELECT * FROM kept.experiments"
        # Neither foreign keys nor the trigger of the registry's trail are asked.
        self.admin(f"SET session_replication_role = replica; {gone}; {back}", database)
