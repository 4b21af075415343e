"""The scripts of a service under attack are an application of two endpoints."""

from ccfpy.base.json import dumps
from tests.lab.attacks.hostile_scripts import (
    BUNDLE,
    ENDLESS,
    ENDLESS_BALLOT,
    ENDLESS_CONSTITUTION,
    SHORT,
)


def test_each_path_has_its_function() -> None:
    text = dumps(BUNDLE).decode()
    for path in (ENDLESS, SHORT):
        name = path.rpartition("/")[2]
        assert f'"{path.removeprefix("/app")}"' in text
        assert f"export function {name} ()" in text


def test_what_never_ends_loops() -> None:
    for source in (ENDLESS_BALLOT, ENDLESS_CONSTITUTION):
        assert "while (true) {}" in source
