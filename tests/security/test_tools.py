"""The rules find what they are for, the scanners find a planted secret, versions have a floor."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.security import bandit_findings, rule_exceptions, rules, tools

PLANTED = {
    "no_outside_call_in_a_transaction": (
        "amends/flow/x.py",
        "async def f():\n async with in_transaction():\n  await stripe_money.send(1)",
    ),
    "no_sql_from_input": ("amends/x.py", "c.execute_query(f'SELECT {name}')"),
    "no_trusted_markup": ("web/x.py", "Markup(text)"),
    "no_route_past_the_guard": ("portal/routes.py", "route('GET', '/x', h)"),
    "no_guessable_secret": ("amends/x.py", "import random"),
    "no_plain_comparison_of_secrets": ("web/x.py", "ok = given == row.token"),
    "no_weak_or_running_thing": ("amends/x.py", "import pickle"),
    "no_pattern_from_input": ("amends/x.py", "re.search(typed, text)"),
    "no_stripe_write_without_a_key": (
        "amends/gateways/stripe_x.py", "client.v1.refunds.create_async({'charge': c})",
    ),
    "no_way_out_but_the_known": ("portal/x.py", "import httpx2"),
    "no_log_beside_structlog": ("amends/x.py", "print('hello')"),
}  # fmt: skip
# Below these versions a published hole is open.
FLOORS = {"starlette": (0, 49, 1), "python-multipart": (0, 0, 27), "authlib": (1, 6, 11),
          "jinja2": (3, 1, 6), "pillow": (11, 3, 0), "pypdf": (6, 0, 0)}  # fmt: skip
LIVE = re.compile(r"\b[sr]k_live_[0-9A-Za-z]{20,}")


@pytest.mark.req(
    "V1.2.4", "V1.2.5", "V1.2.9", "V1.3.2", "V1.3.6", "V1.3.7", "V1.3.10", "V1.5.1", "V1.5.2",
    "V6.5.3", "V11.1.2", "V11.2.1", "V11.2.4", "V11.4.1", "V13.2.4", "V15.3.2", "V16.2.3", "T42",
    "T46", "T08", "T41", "V1.1.2",
)  # fmt: skip
def test_no_line_of_the_application_breaks_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert rules.main() == 0, capsys.readouterr().err


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: str(rule.__name__))
def test_each_rule_finds_what_it_is_for(rule: rules.Rule) -> None:
    file, text = PLANTED[rule.__name__]
    assert list(rule(rules.source(file, text))), rule.__name__
    assert len(PLANTED) == len(rules.RULES)


def test_every_exception_says_why() -> None:
    for (_, file), why in rule_exceptions.EXCEPTIONS.items():
        assert len(why) > 5 and (rules.ROOT / file).exists()


@pytest.mark.req("V1.2.4", "V11.4.1")
def test_bandit_finds_nothing_without_a_reason_of_its_own(tmp_path: Path) -> None:
    """Of medium weight or more; and it finds what is planted, or its silence means nothing."""
    planted = tmp_path / "planted.py"
    planted.write_text("import subprocess\n\ndef run(x):\n    subprocess.call(x, shell=True)\n")
    found = tools.places(planted)
    assert found.pop((str(planted), "run", "B602")) == 1
    assert found == {place: count for place, (count, _) in bandit_findings.FINDINGS.items()}
    for _, why in bandit_findings.FINDINGS.values():
        assert len(why) > 20


@pytest.mark.req("T59", "V13.3.1")
def test_a_planted_key_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "notes.py"
    planted.write_text("key = 'sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dcAB12'\n")
    hook = [tools._BIN / "detect-secrets-hook", "--baseline", tools.SECRETS, planted]
    assert subprocess.run(hook, capture_output=True, check=False).returncode == 1
    assert json.loads(tools.SECRETS.read_text())["results"]


@pytest.mark.req("T59", "V13.3.1")
def test_no_live_key_stands_in_any_file() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=rules.ROOT, check=True, capture_output=True,
                            text=True).stdout.split("\n")  # fmt: skip
    for name in listed:
        path = rules.ROOT / name
        if name and path.suffix in (".py", ".md", ".toml", ".html", ".js") and path.exists():
            assert not LIVE.search(path.read_text(encoding="utf-8")), name


@pytest.mark.req("T61", "V15.2.1")
@pytest.mark.parametrize("name", FLOORS)
def test_no_library_is_older_than_its_mended_version(name: str) -> None:
    found = tuple(int(part) for part in re.findall(r"\d+", version(name))[:3])
    assert found >= FLOORS[name]


def _direct() -> list[str]:
    project = tomllib.loads((rules.ROOT / "pyproject.toml").read_text())["project"]
    return [re.split(r"[\[=~<>!]", each)[0].lower() for each in project["dependencies"]]


@pytest.mark.req("T61")
def test_every_library_has_its_version() -> None:
    project = tomllib.loads((rules.ROOT / "pyproject.toml").read_text())["project"]
    assert [each for each in project["dependencies"] if not re.search(r"[=~]=", each)] == []


@pytest.mark.req("V15.1.2")
@pytest.mark.slow
def test_the_bill_of_materials_lists_every_library_we_name() -> None:
    assert tools.sbom() == 0
    listed = {each["name"].lower().replace("_", "-")
              for each in json.loads(tools.SBOM.read_text())["components"]}  # fmt: skip
    assert set(_direct()) <= listed
