"""Configurations as containers get them: rendered, then read by ccfpy's own reader."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from ccfpy.base.json import JsonObject
from ccfpy.host.config import ConfigurationFile, parse_configuration
from deploy.image.entry import render

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def variables(template: str) -> set[str]:
    """List the variables that a template needs from its container's environment."""
    return set(_VARIABLE.findall(template))


def configuration(template: str, environment: Mapping[str, str]) -> ConfigurationFile:
    """Render a template and read the result, strictly."""
    text = json.dumps(render(json.loads(template), environment))
    return parse_configuration(text, name="node.json")


def port(address: str) -> int:
    """Return the port of ``HOST:PORT``."""
    return int(address.rpartition(":")[2])


def share(path: str, root: Path) -> Path:
    """Return the place in a checkout of a file in the image's ``/opt/ccfpy/share``."""
    prefix = "/opt/ccfpy/share/"
    assert path.startswith(prefix), path
    return root / path.removeprefix(prefix)


def of(value: object) -> JsonObject:
    """Return a value that must be a JSON object."""
    assert isinstance(value, dict), value
    return value
