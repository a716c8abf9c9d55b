"""Outlives a demo that was killed: stops its database. `python -m amends.commands.demo_keeper`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The kernel has told the demo's other parts to end; they use the database until they have.
_OTHERS_NEED_S = 3


@contextmanager
def watching(postgres: Path) -> Iterator[None]:
    """While this lasts, a keeper holds the other end of a pipe that only our death breaks."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "amends.commands.demo_keeper", str(postgres)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as keeper:
        assert keeper.stdin is not None
        yield
        keeper.stdin.write(b"done")


def _wait_for_the_end() -> bool:
    """Whether the demo ended without saying so."""
    return sys.stdin.buffer.read() != b"done"


def _stop(postgres: Path) -> None:
    # Imported only now: the keeper must cost nothing while all goes well.
    from amends import embedded

    if (postgres / "data" / "postmaster.pid").exists():
        embedded.start(postgres).leave()


if __name__ == "__main__":
    if _wait_for_the_end():
        time.sleep(_OTHERS_NEED_S)
        _stop(Path(sys.argv[1]))
