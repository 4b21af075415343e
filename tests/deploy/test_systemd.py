"""The unit of systemd is well formed, confines a node, and is as its page describes."""

import re
from pathlib import Path

import pytest

from tests.deploy.tools import DEPLOY, ROOT, need, ok, run
from tests.pages import BLOCK

UNIT = (DEPLOY / "systemd/ccfpy@.service").read_text()
SETTINGS = re.findall(r"^(\w+)=(.*)$", UNIT, re.MULTILINE)
PAGE = (ROOT / "docs/howto/deploy-with-systemd.md").read_text()
EXPOSURE_MAX = "16"
"""In tenths, of a hundred."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the unit of a node, with a program that exists."""
    need("systemd-analyze")
    path = tmp_path / "ccfpy@first.service"
    path.write_text(UNIT.replace("/opt/ccfpy/bin/ccfpy", "/bin/true"))
    return path


def test_systemd_finds_nothing_wrong(installed: Path) -> None:
    done = run("systemd-analyze", "verify", installed)
    assert ok(done) == ""
    assert done.stderr == b""


def test_a_node_is_exposed_as_little_as_the_page_says(installed: Path) -> None:
    judge = "systemd-analyze", "security", "--offline=true"
    said = ok(run(*judge, "--threshold", EXPOSURE_MAX, installed))
    (exposure,) = re.findall(r"exposure level for \S+: (\S+) OK", said)
    assert f"says {exposure}," in PAGE


def test_scripts_may_run_and_the_enclave_may_confine_itself() -> None:
    assert "MemoryDenyWriteExecute" not in dict(SETTINGS)
    assert ("LimitMEMLOCK", "infinity") in SETTINGS
    filters = [value for name, value in SETTINGS if name == "SystemCallFilter"]
    allowed, denied, again = (set(value.split()) for value in filters)
    assert "@sandbox" in allowed
    assert "~@privileged" in denied
    assert {"capset", "prlimit64", "setrlimit"} <= again


def test_the_page_and_the_unit_name_the_same_places() -> None:
    for path in ("/opt/ccfpy", "/etc/ccfpy/%i/node.json", "/var/lib/ccfpy/%i"):
        assert path in UNIT
        assert path.replace("%i", "NAME") in PAGE
    (drop_in,) = (text for _, note, text in BLOCK.findall(PAGE) if "sev-snp" in note)
    assert "/dev/sev-guest" in drop_in
