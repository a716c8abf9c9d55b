"""The proxy of docs/DEPLOY.md, tried: python -m tests.security.proxy

Starts the portal as `amends serve` does, and Debian's nginx with the sample of docs/DEPLOY.md in
front, both on loopback. Slow headers, slow bodies and connections that say nothing are held open
while another client is answered; then TLS is spoken in every version. The result is written to
docs/PROXY.md; the exit status is 1 when anything was not as it has to be.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.security import proxy_slow, proxy_stage, proxy_tls
from tests.security.proxy_slow import Held
from tests.security.proxy_stage import ROOT

PAGE = ROOT / "docs" / "PROXY.md"
NEEDED = {"nginx": "nginx-light", "openssl": "openssl"}


@dataclass(frozen=True)
class Result:
    nginx: str
    slow: tuple[Held, ...]
    tls: proxy_tls.Found

    @property
    def is_good(self) -> bool:
        return self.tls.is_good and all(each.is_good for each in self.slow)


def need() -> None:
    """Names what is missing; with the right to, installs it."""
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if not missing:
        return
    sys.stderr.write(f"Installing {' '.join(missing)}.\n")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        sys.exit(f"Install these first: apt-get install {' '.join(missing)}")


def run() -> Result:
    with tempfile.TemporaryDirectory(prefix="amends-proxy-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        with proxy_stage.standing(folder) as stage:
            slow = tuple(proxy_slow.hold(stage, way) for way in proxy_slow.WAYS)
            return Result(proxy_stage.version(), slow, proxy_tls.look(stage))


def page(result: Result) -> str:
    today = datetime.now(UTC).date().isoformat()
    rows = [
        f"| {each.through} | {each.what} | {each.connections} | {each.answered} of {each.asked} | "
        f"{each.median_ms:.0f} ms, {each.worst_ms:.0f} ms | {each.cut_off} |"
        for each in result.slow
    ]
    return "\n".join([_HEAD.format(today=today, nginx=result.nginx), *rows, "", *_tls(result.tls)])


def _tls(found: proxy_tls.Found) -> Iterable[str]:
    yield "## TLS\n"
    yield "| version | what the proxy says |\n| --- | --- |"
    yield from (f"| {name} | {said} |" for name, said in found.versions)
    yield f"\nOf {found.ciphers_tried} TLS 1.2 suites of OpenSSL it takes: {found.taken}.\n"


_HEAD = """# The proxy in front, tried

Written by `python -m tests.security.proxy` (`make proxy`): {nginx} with the sample of
[DEPLOY.md](DEPLOY.md), one `amends serve portal` behind it, all on loopback of one machine.

Run on {today}.

## Slow clients

So many connections are held open at once while another client, from another address, asks for the
sign-in page. "Cut off" are the held connections that were ended or refused before the run's end.

| through | held open | connections | answered | median, slowest | cut off |
| --- | --- | --- | --- | --- | --- |"""


def main() -> int:
    need()
    result = run()
    PAGE.write_text(page(result), encoding="utf-8")
    sys.stderr.write(page(result))
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
