"""What docs/DEPLOY.md says of times, limits and the proxy is what the code does."""

import re
from pathlib import Path

import pytest

from amends import access, sign_in
from amends.gateways import upload_pdf_text, upload_verdict
from portal import sign_in as portal_sign_in
from web import security
from web.doors import LIMITS, Door

TEXT = (Path(__file__).parents[2] / "docs" / "DEPLOY.md").read_text(encoding="utf-8")


@pytest.mark.req("V7.1.1", "V7.1.2", "V6.1.1", "V2.1.3")
def test_the_times_of_sessions_and_the_limits_of_sign_in_stand_there() -> None:
    portal, staff = LIMITS[Door.PORTAL], LIMITS[Door.DESK]
    minutes = [int(each.idle.total_seconds() // 60) for each in (portal, staff)]
    hours = [int(each.absolute.total_seconds() // 3600) for each in (portal, staff)]
    assert f"when unused for | {minutes[0]} minutes | {minutes[1]} minutes |" in TEXT
    assert f"any case after | {hours[0]} hours | {hours[1]} hours |" in TEXT
    assert f"| {access.MOST_SESSIONS}, the sixth ends the oldest |" in TEXT
    lives = int(sign_in.CODE_LIVES.total_seconds() // 60)
    assert f"of {sign_in.CODE_DIGITS} digits, {lives} minutes, {sign_in.MAX_TRIES} tries" in TEXT
    at = portal_sign_in
    words = " ".join(TEXT.split())
    assert f"by address ({at.CODES_PER_ADDRESS} codes an hour)" in words
    assert f"({at.CODES_PER_NETWORK} codes and {at.TRIES_PER_NETWORK} tries an hour)" in words
    assert f"({at.CODES_IN_ALL:,} codes and {at.TRIES_IN_ALL:,} tries an hour)" in words


@pytest.mark.req("V5.1.1", "V15.1.3", "V2.1.3")
def test_the_bounds_of_costly_work_stand_there() -> None:
    most = upload_verdict
    files = (f"{most.MAX_FILE_BYTES // most.MEGABYTE} MB, {most.MAX_CASE_FILES} files and "
             f"{most.MAX_CASE_BYTES // most.MEGABYTE} MB a request")  # fmt: skip
    assert files in TEXT
    assert f"PDFs of {upload_pdf_text.MAX_PAGES} pages" in TEXT
    assert f"{upload_pdf_text.MAX_SECONDS:.0f} seconds" in TEXT
    assert f"{security.MAX_BODY // 1024} kB" in TEXT


@pytest.mark.req("V12.1.1", "V12.2.1", "V4.1.3")
def test_the_sample_of_the_proxy_speaks_modern_tls_only_and_names_the_visitor_itself() -> None:
    sample = TEXT.split("```nginx")[1].split("```")[0]
    (protocols,) = re.findall(r"ssl_protocols\s+([^;]+);", sample)
    assert protocols.split() == ["TLSv1.2", "TLSv1.3"]
    ciphers = re.findall(r"ssl_ciphers\s+([^;]+);", sample)[0].split(":")
    assert all("ECDHE" in each and ("GCM" in each or "CHACHA20" in each) for each in ciphers)
    assert "listen 80" in sample and "proxy_pass" not in sample.split("listen 443")[0]
    assert "X-Forwarded-For $remote_addr" in sample
    for name in ("client_header_timeout", "client_body_timeout", "limit_conn"):
        assert name in sample
