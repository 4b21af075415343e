"""The reference pages describe all of the code's behaviour, and nothing else."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from ccfpy import app as public
from ccfpy.app import App
from ccfpy.base import json
from ccfpy.base.units import parse_size, parse_time_us
from ccfpy.cli.errors import ExitCode as CommandExit
from ccfpy.host import config
from ccfpy.host.arguments import ExitCode as NodeExit
from ccfpy.http.errors import ErrorCode
from ccfpy.kv.maps import Map, Set, Value
from ccfpy.service import tables
from ccfpy.testing.node import InProcessNode, Person
from tests.house import app_reference, reference
from tests.house.tree import ROOT, modules
from tests.unit.js.serving.installed import Installed, of_f

FOLDER = reference.FOLDER
_OPTION = re.compile(r"(-\w) ([A-Z]+), (--[\w-]+) \2")


def _page(name: str) -> str:
    return (FOLDER / name).read_text()


def _squeeze(text: str) -> str:
    """Ignore spacing, and how this Python's argparse spells two forms of an option."""
    return " ".join(_OPTION.sub(r"\1, \3 \2", text).split())


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_made_of_the_code_is_up_to_date(name: str) -> None:
    wanted = reference.PAGES[name]()
    assert _squeeze(_page(name)) == _squeeze(wanted), "run make reference"


def test_every_page_is_in_the_list() -> None:
    listed = re.findall(r"^\| \[([\w-]+\.md)\]", _page("README.md"), re.MULTILINE)
    assert sorted(listed) == sorted(
        path.name for path in FOLDER.glob("*.md") if path.name != "README.md"
    )


def test_every_name_that_apps_may_use_is_in_one_group() -> None:
    grouped = [name for names in app_reference.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(public.__all__)
    silent = [line for line in _page("app.md").splitlines() if line.endswith("|  |")]
    assert not silent


def test_the_readme_shows_the_hello_app_as_it_is() -> None:
    shown = re.findall(
        r"^```python\n(.*?)^```$",
        (ROOT / "README.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert shown == [(ROOT / "apps/hello/app.py").read_text()]


# Configuration: rows of key and default; "…." begins a key of the object named last.


def _sections(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  # any type
    """Return the sections that a field's type consists of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, dict):
        return [found for arg in get_args(annotation) for found in _sections(arg)]
    return []


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Return each key with its default, as the page names it."""
    for name, field in section.model_fields.items():
        key = prefix + name
        nested = _sections(field.annotation)
        default = field.get_default(call_default_factory=False)
        is_many = get_origin(field.annotation) in (dict, tuple)
        if not nested or is_many:
            yield key, default
        for inner in nested:
            yield from _keys(inner, "…." if is_many else f"{key}.")


def _written(text: str, default: Any) -> bool:  # noqa: ANN401  # a default of any type
    """Return whether the page's words for a default mean it."""
    if text == "required":
        return default is PydanticUndefined
    if text == "none":
        return default is None
    value = json.loads(text.strip("`"))
    if isinstance(value, str) and type(default) is int:
        reader = parse_size if value.endswith("B") else parse_time_us
        return reader(value) == default
    return bool((tuple(value) if isinstance(value, list) else value) == default)


def test_every_key_of_the_configuration_has_its_row_and_default() -> None:
    page = _page("configuration.md")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", page, re.MULTILINE)
    known = list(_keys(config.ConfigurationFile))
    assert sorted(key for key, _ in rows) == sorted(key for key, _ in known)
    unlike = []
    for key, default in known:
        texts = [text.strip() for row, text in rows if row == key]
        if not any(_written(text, default) for text in texts):
            unlike.append((key, default, texts))
    assert not unlike


def test_every_error_code_is_explained_or_said_to_be_unused() -> None:
    page = _page("errors.md")
    explained = re.findall(r"^\| `(\w+)` \| \d", page, re.MULTILINE)
    assert explained == sorted(explained)
    start = page.index("These are CCF's too")
    unused = re.findall(r"`(\w+)`", page[start : page.index("A request that", start)])
    assert unused == sorted(unused)
    assert set(explained) | set(unused) == {code.value for code in ErrorCode}
    assert not set(explained) & set(unused)
    sources = "".join(module.text for module in modules("ccfpy", "apps"))
    assert {code for code in unused if f"ErrorCode.{code}" in sources} == set()
    assert {code for code in explained if f"ErrorCode.{code}" not in sources} == set()


def _rows(name: str, columns: int) -> list[tuple[str, ...]]:
    """Return the cells of a page's rows whose first cell is code."""
    cells = r" \| ".join(["`([^`]+)`", *["([^|]+)"] * (columns - 1)])
    found = re.findall(rf"^\| {cells} \|$", _page(name), re.MULTILINE)
    return [tuple(map(str, row)) for row in found]


def test_every_table_has_its_row_and_kind_of_key() -> None:
    kept: dict[str, bool] = {}
    for module in pkgutil.iter_modules(tables.__path__):
        members = vars(importlib.import_module(f"{tables.__name__}.{module.name}"))
        for table in members.values():
            if isinstance(table, Map | Value | Set):
                kept[table.name] = isinstance(table, Value)
    page = _page("tables.md").partition("## ")[2]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert {name: key == "value" for name, key in rows} == kept
    assert len(rows) == len(kept)


FUNCTIONS = """
function names(object, prefix) {
  return Object.getOwnPropertyNames(object).flatMap((name) => {
    const value = object[name];
    const path = prefix + name;
    if (typeof value === "function") {
      return path + "()";
    }
    const isLeaf = path === "ccf.kv" || value === undefined;
    return isLeaf ? path : names(value, path + ".");
  });
}

function all() {
  return [...names(ccf, "ccf."), ...names(console, "console.")].join(" ");
}
"""

NAMES = (
    FUNCTIONS
    + """
export function validate(input) {
  return { valid: input.includes("fine"), description: all() };
}

export function resolve() {
  return "Accepted";
}

export function apply() {
  throw new Error(all());
}
"""
)
"""Return a constitution that lists the functions that it may call."""


def test_every_function_that_scripts_may_call_has_its_row() -> None:
    member = Person.make("member", can_recover=True)
    node = InProcessNode(App("none"), constitution=NAMES, members=[member])
    node.acknowledge(member)
    told = []
    for name in ("refused", "fine"):
        answer = node.propose({"name": name}).body.decode()
        told.append(set(re.findall(r"(?<!:)\b(?:ccf|console)\.[\w.()]+", answer)))
    rows = _rows("javascript.md", 3)
    of: dict[str, set[str]] = {"always": set(), "`apply`": set(), "`app`": set()}
    for name, where, _ in rows:
        of[where].add(name)
    assert told == [of["always"], of["always"] | of["`apply`"]]
    told_by_an_app = set(re.findall(r"\b(?:ccf|console)\.[\w.()]+", _names_in_an_app()))
    assert told_by_an_app == of["always"] | of["`app`"]


def _names_in_an_app() -> str:
    installed = Installed()
    source = f"{FUNCTIONS} export const f = () => ({{ body: all() }})"
    installed.install({"/m.js": source}, {"POST /f": of_f()})
    return installed.call().body.decode()


def test_every_exit_code_is_explained() -> None:
    page = _page("errors.md").partition("## Exit codes")[2]
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    codes = {int(code) for code in (*CommandExit, *NodeExit)}
    assert explained == codes | {130}
