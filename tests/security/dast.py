"""Wapiti and sqlmap against a demo of its own on loopback: python -m tests.security.dast

Both are installed by pip into `.venv-dast` when they are not there. Wapiti looks at both doors,
signed out and signed in; sqlmap tries every parameter that the pages have. The result is written
to docs/DAST.md; the exit status is 1 when anything was found.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, sync_playwright

from tests.browser import demo as demos
from tests.browser import people
from tests.browser.demo import Demo

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "DAST.md"
TOOLS = ("wapiti3==3.2.3", "sqlmap==1.10.10")
# Without those that ask machines elsewhere, or look for programs this is not.
MODULES = (
    "sql,timesql,xss,permanentxss,file,exec,redirect,crlf,xxe,backup,htaccess,methods,"
    "csp,cookieflags,http_headers,upload,log4shell,shellshock"
)
# What browsers of this age send with every form; without it a change is refused at the gate.
BROWSER = "Sec-Fetch-Site: same-origin"
# Posted by sqlmap: address, then the fields.
PORTAL_FORMS = ("/sign-in email=a@b.example&next=/", "/theme theme=dark&to=/requests",
                "/requests/new kind=rebill", "/account/switch account=1")  # fmt: skip
DESK_FORMS = ("/profile shortcuts=yes", "/theme theme=dark&to=/queue", "/queue/mine case=RB-2401")
PORTAL_PATHS = (
    "/sign-in?next=/requests",
    "/sign-in/code?next=/requests",
    "/requests?after=2401",
    "/billing/card/return?session_id=cs_1",
    "/requests/new?kind=rebill",
)
DESK_PATHS = (
    "/queue?view=my&q=harbor&reason=duplicate&after=1",
    "/search?q=harbor",
    "/refunds?after=1",
    "/exceptions?case=RB-2401&after=1",
    "/reports?weeks=12",
    "/audit-log?q=approve&after=1",
    "/audits?after=1",
    "/customers/hf-0213?after=1",
    "/sign-in?next=/queue",
)


@dataclass(frozen=True)
class Target:
    """One door as one kind of visitor sees it."""

    name: str
    base: str
    cookie: str
    paths: tuple[str, ...]
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What a tool did and found."""

    target: str
    tool: str
    looked_at: str
    findings: tuple[str, ...]


def targets(demo: Demo, chromium: Browser) -> list[Target]:
    """Signed out and signed in, at both doors."""
    priya, dana = (people.seat(chromium, demo, script=False) for _ in range(2))
    people.sign_in_customer(priya, "billing@harborfitness.example")
    people.sign_in_staff(dana, "Dana Cole")
    return [
        Target("portal, signed out", demo.portal, "", PORTAL_PATHS[:2], PORTAL_FORMS[:2]),
        Target(
            "portal, Priya Raman",
            demo.portal,
            _cookies(priya, demo.portal),
            PORTAL_PATHS,
            PORTAL_FORMS,
        ),
        Target("back office, signed out", demo.desk, "", DESK_PATHS[-1:]),
        Target(
            "back office, Dana Cole", demo.desk, _cookies(dana, demo.desk), DESK_PATHS, DESK_FORMS
        ),
    ]


def must_be_in(target: Target) -> None:
    """What is said of somebody signed in was seen signed in, to the end."""
    page = "/requests" if "portal" in target.name else "/queue?view=all"
    ask = Request(target.base + page, headers={"Cookie": target.cookie})
    with urlopen(ask, timeout=10) as answer:
        inside = answer.url == target.base + page
    assert inside is bool(target.cookie), f"{target.name}: {answer.url}"


def _cookies(at: people.Seat, url: str) -> str:
    found = at.page.context.cookies(url.replace("http:", "https:"))
    kept = [f"{each['name']}={each['value']}" for each in found if "amends" in each["name"]]
    return "; ".join(kept)


def wapiti(binary: Path, target: Target, seconds: int, folder: Path) -> Seen:
    """Crawls and attacks for at most about this long."""
    report = folder / "wapiti.json"
    headers = ["-H", BROWSER] + (["-C", target.cookie] if target.cookie else [])
    starts = [part for path in target.paths for part in ("-s", f"{target.base}{path}")]
    subprocess.run(
        [binary, "-u", f"{target.base}/", *starts, "--scope", "folder", "-m", MODULES, *headers,
         "-x", f"{target.base}/sign-out*", "-x", f"{target.base}/account/sign-out-everywhere",
         "-x", f"{target.base}/account/sessions/end", "-x", f"{target.base}/profile/sessions",
         "--max-scan-time", str(seconds), "--max-attack-time", str(seconds // 3), "--tasks", "4",
         "--max-links-per-page", "60", "--max-files-per-dir", "60", "-d", "6", "-l", "2",
         "--flush-session", "--drop-set-cookie", "--no-bugreport", "-v", "0",
         "--store-session", str(folder / "session"), "--store-config", str(folder / "config"),
         "-f", "json", "-o", str(report)],
        check=True, timeout=seconds * 6, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    data = json.loads(report.read_text())
    kinds = {**data["vulnerabilities"], **data["anomalies"]}
    found = [f"{kind}: {each['method']} {each['path']} {each['parameter']} {each['info']}"
             for kind, rows in kinds.items() for each in rows]  # fmt: skip
    return Seen(target.name, "wapiti", f"{data['infos']['crawled_pages_nbr']} pages", tuple(found))


def sqlmap(binary: Path, target: Target, seconds: int, folder: Path) -> Seen:
    """Every parameter of the listed addresses and forms."""
    tested: set[str] = set()
    found: list[str] = []
    for path in (*target.paths, *target.forms):
        said = _sqlmap(binary, target, path, seconds, folder)
        names = re.findall(r"testing for SQL injection on (\w+ parameter '[^']+')", said)
        tested |= {f"{path.split('?')[0].split(' ')[0]} {name}" for name in names}
        found += re.findall(r".*(?:is vulnerable|appears to be .*injectable).*", said)
    return Seen(target.name, "sqlmap", f"{len(tested)} parameters", tuple(found))


def _sqlmap(binary: Path, target: Target, path: str, seconds: int, folder: Path) -> str:
    where, _, fields = path.partition(" ")
    more = ["--cookie", target.cookie] if target.cookie else []
    more += ["--data", fields] if fields else []
    command = [binary, "-u", f"{target.base}{where}", "--batch", "--level", "1", "--risk", "1",
               "--technique", "BEUS", "--disable-coloring", "--ignore-redirects", "--ignore-code",
               "400,403,404,409,422,429", "--headers", BROWSER, "--flush-session",
               "--output-dir", str(folder / "sqlmap"), *more]  # fmt: skip
    try:
        done = subprocess.run(command, timeout=seconds, capture_output=True, text=True, check=False)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode()
    return done.stdout


def tool(name: str, folder: Path) -> Path:
    """The installed program, after installing both where they are missing."""
    if not (folder / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *TOOLS], check=True, stderr=subprocess.DEVNULL)
    return folder / "bin" / name


def page(seen: list[Seen], at: datetime) -> str:
    lines = [f"| {each.target} | {each.tool} | {each.looked_at} | {len(each.findings)} |"
             for each in seen]  # fmt: skip
    found = [f"- {each.target}, {each.tool}: {one}" for each in seen for one in each.findings]
    total = sum(len(each.findings) for each in seen)
    return "\n".join([
        "# Dynamic security tests", "",
        "Written by `python -m tests.security.dast`: " + " and ".join(TOOLS) + " against a demo",
        "of its own on loopback, with the demo's data.", "",
        f"Run on {at:%Y-%m-%d}. Findings: {total}.", "",
        "| Seen as | Tool | Looked at | Findings |", "| --- | --- | --- | --- |", *lines, "",
        f"Modules of wapiti: {MODULES.replace(',', ', ')}.", "",
        *([*found, ""] if found else []),
    ])  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=90, help="for each door and visitor")
    options.add_argument("--tools", type=Path, default=ROOT / ".venv-dast")
    said = options.parse_args()
    seen: list[Seen] = []
    with demos.running() as demo, sync_playwright() as play, tempfile.TemporaryDirectory() as work:
        browser = play.chromium.launch(executable_path=demos.chromium(), args=demos.FLAGS)
        for number, target in enumerate(targets(demo, browser)):
            folder = Path(work) / str(number)
            folder.mkdir()
            must_be_in(target)
            seen.append(wapiti(tool("wapiti", said.tools), target, said.seconds, folder))
            seen.append(sqlmap(tool("sqlmap", said.tools), target, said.seconds, folder))
            sys.stderr.write(f"{seen[-2]}\n{seen[-1]}\n")
            must_be_in(target)
        with urlopen(f"{demo.portal}/healthz", timeout=10) as answer:
            assert answer.read() == b"ok"
    PAGE.write_text(page(seen, datetime.now(UTC)), encoding="utf-8")
    return 1 if any(each.findings for each in seen) else 0


if __name__ == "__main__":
    sys.exit(main())
