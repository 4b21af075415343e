"""Modules of the page run by Node.js: what they compute, without a browser."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

CONSOLE = Path(__file__).parents[3] / "console"
BUNDLE = """\
const { build } = require("esbuild");
const [contents, outfile] = process.argv.slice(1);
const stdin = { contents, resolveDir: "src", loader: "ts" };
build({ stdin, bundle: true, format: "esm", platform: "node", outfile });
"""
WRAPPED = """\
%s
const given = JSON.parse(await new Response(process.stdin).text());
const answers = [];
for (const each of given)
  answers.push(await compute(...each).catch((error) => ({ error: error.message })));
console.log(JSON.stringify(answers));
"""
TIMEOUT_S = 240


def run(source: str, given: list[list[Any]]) -> list[Any]:
    """Run TypeScript that declares ``compute``, once for each list of arguments.

    What ``compute`` throws becomes an object with the words at ``error``.
    """
    if not (CONSOLE / "node_modules").is_dir():
        pytest.skip("esbuild is not here: make console")
    with tempfile.TemporaryDirectory() as folder:
        made = f"{folder}/made.mjs"
        _node("-e", BUNDLE, WRAPPED % source, made)
        answers = json.loads(_node(made, given=json.dumps(given)))
    assert isinstance(answers, list)
    return answers


def _node(*words: str, given: str = "") -> str:
    done = subprocess.run(
        ["node", *words],
        cwd=CONSOLE,
        input=given,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
