"""Every version of TLS and every suite of TLS 1.2, spoken to the proxy by openssl."""

import subprocess
from dataclasses import dataclass

from tests.security.proxy_stage import HOST, Stage

# Security level 0 lets openssl itself speak the old versions; without it only we would refuse.
VERSIONS = {
    "TLS 1.0": ("-tls1", False),
    "TLS 1.1": ("-tls1_1", False),
    "TLS 1.2": ("-tls1_2", True),
    "TLS 1.3": ("-tls1_3", True),
}
_LEVEL_0 = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@dataclass(frozen=True)
class Found:
    versions: tuple[tuple[str, str], ...]
    ciphers_tried: int
    ciphers: tuple[str, ...]
    is_good: bool

    @property
    def taken(self) -> str:
        return ", ".join(self.ciphers)


def look(stage: Stage) -> Found:
    said = {name: _speaks(stage.tls, option) for name, (option, _) in VERSIONS.items()}
    suites = _suites()
    taken = tuple(each for each in suites if _speaks(stage.tls, "-tls1_2", each))
    good = all(said[name] is wanted for name, (_, wanted) in VERSIONS.items())
    modern = all("ECDHE" in each and ("GCM" in each or "CHACHA20" in each) for each in taken)
    return Found(
        tuple((name, "agreed" if spoken else "refused") for name, spoken in said.items()),
        len(suites),
        taken,
        good and bool(taken) and modern,
    )


def _suites() -> list[str]:
    """All that this openssl knows for TLS 1.2 and before."""
    command = ["openssl", "ciphers", "-tls1_2", "-s", _LEVEL_0]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [each for each in listed.strip().split(":") if not each.startswith("TLS_")]


def _speaks(port: int, version: str, suite: str = "") -> bool:
    cipher = f"{suite}:@SECLEVEL=0" if suite else _LEVEL_0
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", HOST]
    more = [] if version == "-tls1_3" else ["-cipher", cipher]
    done = subprocess.run(
        [*command, version, *more], input=b"", capture_output=True, timeout=20, check=False
    )
    return done.returncode == 0 and b"BEGIN CERTIFICATE" in done.stdout
