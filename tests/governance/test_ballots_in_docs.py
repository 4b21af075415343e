"""Every ballot that a page of docs shows counts, and does what its page says."""

import json
import re
from pathlib import Path
from typing import Final

import pytest

from ccfpy.js.quickjs import QuickJs
from tests.governance.conftest import Service, constitution
from tests.governance.proposals import MEMBER

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = sorted(
    page
    for folder in ("docs", "apps", "governance", "ccfpy", "clients", "deploy")
    for page in (ROOT / folder).rglob("*.md")
    if "node_modules" not in page.parts
)
BLOCK: Final = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_JSON: Final = re.compile(r'"ballot": *("(?:[^"\\]|\\.)*")')
BALLOT: Final = re.compile(r"export\s+function\s+vote\b")
PROPOSALS: Final = [
    json.dumps({"actions": [{"name": name, "args": {}}]})
    for name in ("set_recovery_threshold", "set_user_data", "set_constitution")
]


def _ballots(text: str) -> list[str]:
    """List the ballots of a page: whole blocks, or texts in JSON."""
    found = []
    for block in BLOCK.findall(text):
        quoted = [json.loads(ballot) for ballot in IN_JSON.findall(block)]
        found += quoted or ([block] if BALLOT.search(block) else [])
    return found


SHOWN: Final = [
    pytest.param(ballot, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, ballot in enumerate(_ballots(page.read_text()))
]


@pytest.mark.parametrize("ballot", SHOWN)
def test_a_ballot_in_docs_runs_and_says_yes_to_something(
    engine: QuickJs, ballot: str
) -> None:
    service = Service(engine, constitution("default"))
    votes = [service.vote(ballot, proposal, MEMBER) for proposal in PROPOSALS]
    assert True in votes
    constant = "return true" in ballot
    assert constant or False in votes, "a script that decides nothing"


def test_ballots_are_found_in_both_their_forms() -> None:
    assert any("govern.md" in str(shown.id) for shown in SHOWN)
    page = (
        '```sh\necho \'{"ballot": "export function vote () { return true }"}\'\n```\n'
    )
    assert _ballots(page) == ["export function vote () { return true }"]
    assert _ballots("```js\nexport function vote(p) {\n}\n```\n") != []
