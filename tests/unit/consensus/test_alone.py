"""The how-to on consensus without the rest of ccfpy: its program does what it says."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.pages import BLOCK, ROOT

PAGE = ROOT / "docs/howto/use-consensus-alone.md"
PROGRAM, SHOWN = (
    text
    for language, _, text in BLOCK.findall(PAGE.read_text())
    if language in {"python", "text"}
)


def test_three_counters_agree_when_their_leader_was_cut_off(tmp_path: Path) -> None:
    program = tmp_path / "counter.py"
    program.write_text(PROGRAM)
    said = subprocess.run(
        [sys.executable, program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert said == SHOWN


def test_the_program_needs_consensus_and_ids_alone() -> None:
    used = {
        node.module
        for node in ast.walk(ast.parse(PROGRAM))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    ours = {name for name in used if name.startswith("ccfpy")}
    assert all(name.startswith(("ccfpy.consensus.", "ccfpy.base.ids")) for name in ours)
    assert used - ours == {"typing"}
