"""Writes the pages of docs/reference that are made of the code: ``make reference``.

A test compares each page with the text that this would write, so that no page can be
out of date. Without names it also writes the table of sizes in docs/ARCHITECTURE.md.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Iterator, Sequence

from apps.logging.app import app as logging
from ccfpy.app import App
from ccfpy.boundary.metrics import METRICS, PREFIX
from ccfpy.cli.entries import commands_below
from ccfpy.cli.main import COMMANDS, main
from ccfpy.client.share import constitution
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.registry import Registry
from ccfpy.gov.api import OPERATIONS
from ccfpy.testing.node import InProcessNode, Person
from tests.attack_table import PARTS
from tests.house import app_reference, sizes
from tests.house.attack_marks import Marked, marked
from tests.house.enclave_checklist import ROWS as CHECKLIST
from tests.house.tree import ROOT
from tests.unit.node.fault_rows import ROWS, Part

FOLDER = ROOT / "docs/reference"
COLUMNS = "88"

_NOTE = "<!-- Written by `make reference`; a test compares it with the code. -->"
_ABOUT_ENDPOINTS = """\
Each frontend describes itself in an OpenAPI document under its `/api`. The column *who*
lists the policies of an endpoint. One of them must accept the caller."""
_ABOUT_APP = """\
An application imports these names from `ccfpy.app`, and imports nothing else of ccfpy.
Its tests may use the test kit too. [How to write an app](../howto/write-an-app.md)
shows the names in use."""
_ABOUT_GOV = """\
Endpoints under `/gov/members/`, `/gov/recovery/` and `/gov/service/` need the parameter
`?api-version=`: `2023-06-01-preview` or `2024-07-01`. The other endpoints, except the
common ones, are the classic API of CCF 1 to 6 and need no version."""


_ABOUT_FAULTS = """\
A recovery reads files that operators kept. The files may be damaged, missing or another
service's, the host may lie, and members may make mistakes. In every case a recovery
restores only entries that the lost service had signed, and says which entries are lost.
Each row is a test in `tests/unit/node`."""
_ABOUT_ATTACKS = """\
Each row names an attack, the defence that stops it, and the tests that try it. If a
test has several cases, the row names those that try the attack. A test fails if an
attack has no test. This page does not list attacks on [recoveries](recovery-faults.md),
hostile scripts, damaged files and random bytes, which have separate tests."""
_NODE_TESTS = "tests.unit.node."
_FAULTS = (
    "startup.test_recover_files",
    "startup.test_recover",
    "startup.test_recover_faults",
    "startup.test_start",
    "startup.test_private_recovery",
    "startup.test_private_recovery_nodes",
    "test_sealing",
)


def said(*argv: str) -> str:
    """Return what a command prints, on a terminal of a fixed width."""
    printed = io.BytesIO()
    out = io.TextIOWrapper(printed, encoding="utf-8")
    before, program = dict(os.environ), sys.argv
    sys.argv = ["ccfpy"]
    os.environ |= {"COLUMNS": COLUMNS, "NO_COLOR": "1", "TERM": "dumb"}
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main(argv)
    finally:
        os.environ.clear()
        os.environ.update(before)
        sys.argv = program
    out.flush()
    lines = [line.rstrip() for line in printed.getvalue().decode().splitlines()]
    return "\n".join(lines).strip("\n")


def cli_page() -> str:
    """Return every command's help."""
    parts = ["# Commands", _NOTE, f"```text\n{said('--help')}\n```"]
    for words in commands_below(COMMANDS):
        parts.append(f"## {' '.join(['ccfpy', *words])}")
        parts.append(f"```text\n{said(*words, '--help')}\n```")
    return "\n\n".join(parts) + "\n"


def _policies(endpoint: Endpoint) -> str:
    return ", ".join(policy.name for policy in endpoint.auth) or "anybody"


def _rows(registry: Registry, said_of: dict[tuple[str, str], str]) -> Iterator[str]:
    for endpoint in registry:
        key = endpoint.method, endpoint.path
        summary = said_of.get(key) or endpoint.operation.summary.removesuffix(".")
        yield (
            f"| `{endpoint.method}` | `/{registry.prefix}{endpoint.path}` "
            f"| {_policies(endpoint)} | {summary} |"
        )


def _table(registry: Registry, said_of: dict[tuple[str, str], str]) -> str:
    head = ["| method | path | who | what |", "|---|---|---|---|"]
    return "\n".join([*head, *_rows(registry, said_of)])


def _node() -> InProcessNode:
    """Boot a node, for the registries that it serves."""
    scripts = [path.read_text() for path in constitution("default")]
    return InProcessNode(
        logging, constitution="\n".join(scripts), members=[Person.make("member")]
    )


def endpoints_page() -> str:
    """List the endpoints of each frontend, as a node's registries have them."""
    running = _node().trusted.running
    assert running is not None, "the node is booted"
    served = {name: it.registry for name, it in running.frontends.items()}
    said_of = {
        (row.method, row.path): f"{row.description.removesuffix('.')} "
        f"(`{row.operation_id}`)"
        for row in OPERATIONS
    }
    parts = [
        "# Endpoints",
        _NOTE,
        _ABOUT_ENDPOINTS,
        "## /node: the node and its service",
        _table(served["node"], {("POST", "/create"): "For nodes, not for people"}),
        "## /gov: governance",
        _ABOUT_GOV,
        _table(served["gov"], said_of),
        "## /app: every app",
        "Every app has these endpoints, unless it omits them.",
        _table(App("empty").registry(), {}),
        "## /app: the sample `logging`",
        _table(served["app"], {}),
    ]
    return "\n\n".join(parts) + "\n"


def app_page() -> str:
    """Return the page of the names that an application may use."""
    parts = ["# The app face: `ccfpy.app`", _NOTE, _ABOUT_APP, app_reference.page()]
    return "\n\n".join(parts)


def faults_page() -> str:
    """Return the page of a recovery's faults and their results, as tests show them."""
    for module in _FAULTS:
        importlib.import_module(_NODE_TESTS + module)
    parts = ["# What goes wrong with a recovery", _NOTE, _ABOUT_FAULTS]
    for part in Part:
        rows = sorted(
            (row for row in ROWS if row.part is part),
            key=lambda row: _FAULTS.index(row.module.removeprefix(_NODE_TESTS)),
        )
        lines = ["| fault | result | test |", "|---|---|---|"]
        lines += [
            f"| {row.fault} | {row.outcome} | `{row.module.rpartition('.')[2]}`: "
            f"`{row.test}` |"
            for row in rows
        ]
        parts += [f"## {part}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


_ABOUT_CHECKLIST = """\
Open Enclave, Intel's SGX SDK and OP-TEE share the concepts on this page. The table says
how ccfpy's simulated enclaves have each concept: a node's enclave, and enclaves made
with the toolkit ([how](../howto/write-an-enclave.md)). A simulated enclave has the
shape and the rules of a real one, and none of its secrecy: the machine's owner can read
the process's memory. The tests are in `tests`."""


def checklist_page() -> str:
    """Return the page of an enclave's concepts, with the tests that show them."""
    lines = ["| concept | how ccfpy has it | tests |", "|---|---|---|"]
    for concept, row in CHECKLIST.items():
        shown = "; ".join(
            f"`{file.removesuffix('.py')}`: {', '.join(f'`{name}`' for name in names)}"
            for file, names in row.shown.items()
        )
        lines.append(f"| {concept} | {row.does} | {shown} |")
    parts = ["# The concepts of an enclave", _NOTE, _ABOUT_CHECKLIST]
    return "\n\n".join([*parts, "\n".join(lines)]) + "\n"


def _shown_by(each: Marked) -> str:
    cases = f" ({', '.join(each.cases)})" if each.cases else ""
    return f"[`{each.test}`](../../{each.path}){cases}"


def attacks_page() -> str:
    """Return the page of the attacks that have a test, each with its defence."""
    parts = ["# Attacks", _NOTE, _ABOUT_ATTACKS]
    for part, (title, attacks) in PARTS.items():
        lines = ["| attack | defence | tests |", "|---|---|---|"]
        for name, by in attacks.items():
            tests = [m for m in marked() if m.attack == f"{part}: {name}"]
            lines.append(f"| {name} | {by} | {'; '.join(map(_shown_by, tests))} |")
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


_ABOUT_METRICS = """\
A node that is started with `--metrics` serves these as text for Prometheus
([how](../howto/watch-a-service.md)). Times are in seconds, sizes in bytes. A counter
begins at 0 with each start of a node. Metrics of the *enclave* are counted in the
trusted process, which sends numbers when somebody asks.
[SECURITY.md](../../SECURITY.md#what-metrics-show) says what they show."""


def metrics_page() -> str:
    """Return the page of all metrics."""
    lines = ["| metric | kind | labels | by | what |", "|---|---|---|---|---|"]
    for metric in METRICS.values():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(
            f"| `{PREFIX}{metric.name}` | {metric.kind} | {labels} | {metric.by} "
            f"| {metric.about} |"
        )
    parts = ["# Metrics", _NOTE, _ABOUT_METRICS, "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


PAGES = {
    "app.md": app_page,
    "attacks.md": attacks_page,
    "cli.md": cli_page,
    "enclave-checklist.md": checklist_page,
    "endpoints.md": endpoints_page,
    "metrics.md": metrics_page,
    "recovery-faults.md": faults_page,
}
"""Each page that is made of the code, and the function that makes it."""


def write(names: Sequence[str] = tuple(PAGES)) -> None:
    """Write the pages again."""
    for name in names:
        (FOLDER / name).write_text(PAGES[name]())


if __name__ == "__main__":
    write(sys.argv[1:] or tuple(PAGES))
    if not sys.argv[1:]:
        sizes.write()
