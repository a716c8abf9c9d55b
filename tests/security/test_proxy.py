"""The proxy of docs/DEPLOY.md, tried with slow clients and old TLS (`make proxy`)."""

import shutil
from pathlib import Path

import pytest

from tests.security import proxy, proxy_slow, proxy_stage
from tests.security.proxy_stage import Stage

_LIMITS = ("ssl_", "client_", "send_timeout", "keepalive_timeout", "large_client", "limit_")


def test_what_is_tried_has_every_limit_of_the_sample(tmp_path: Path) -> None:
    """Only ports, the certificate's place and the spelling of http2 differ."""
    written = proxy_stage.written(tmp_path, Stage(9001, 9002, 9003))
    wanted = [line.split("#")[0].strip() for line in proxy_stage.sample().splitlines()
              if line.strip().startswith(_LIMITS)
              and not line.strip().startswith("ssl_certificate")]  # fmt: skip
    assert len(wanted) >= 11
    for line in wanted:
        assert line in written, line
    assert "listen 9003 ssl http2;" in written and ":8700" not in written


def test_the_page_tells_of_every_way_and_of_every_version() -> None:
    text = proxy.PAGE.read_text()
    for way in proxy_slow.WAYS:
        assert f"| {way.through} | {way.what} | {proxy_slow.CONNECTIONS} |" in text
    for line in ("TLS 1.0 | refused", "TLS 1.1 | refused", "TLS 1.2 | agreed", "TLS 1.3 | agreed"):
        assert line in text


@pytest.mark.slow
@pytest.mark.req("T45", "V12.1.1", "V15.2.2")
@pytest.mark.skipif(not shutil.which("nginx"), reason="apt-get install nginx-light")
def test_slow_clients_stop_nobody_and_old_tls_is_refused() -> None:
    result = proxy.run()
    assert result.is_good, proxy.page(result)
    held = {each.what: each for each in result.slow if each.through == "nginx"}
    assert held["headers, a line a second"].cut_off == proxy_slow.CONNECTIONS
