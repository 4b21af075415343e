"""What a test names an application or a constitution by, and what that stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ccfpy.app import GOVERNED, App, Scripts
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.client import share
from ccfpy.enclave.application import load_application
from ccfpy.endpoints.application import Application

AppSource: TypeAlias = Application | Mapping[str, Json] | Path | str
"""An application: itself; a bundle as JSON; the path of a Python file or package, of a
bundle's folder (``app.json`` and ``src``) or of a bundle as a JSON file; or a sample's
name."""
ConstitutionSource: TypeAlias = str | Path | Sequence[Path]
"""A constitution: one of ccfpy's own by its name, or its scripts in order."""

METADATA = "app.json"
SOURCES = "src"


class NoSuchApp(CcfpyError):
    """What was given as an application is none; the text says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An application, ready to be served.

    Attributes:
        app: what nodes are made with.
        actions: what members vote for, so that it is served.
    """

    app: Application
    actions: Sequence[JsonObject] = ()


def load(source: AppSource) -> Served:
    """Find out what to serve.

    Raises:
        NoSuchApp: it is no bundle, or not a whole one.
        ApplicationNotLoaded: there is no such application, or its code fails.
    """
    if isinstance(source, Mapping):
        return _scripted(dict(source))
    if not isinstance(source, str | Path):
        return Served(app=source)
    path = Path(source)
    if path.suffix == ".json":
        return _scripted(_read_object(path))
    if (path / METADATA).is_file():
        return _scripted(read_bundle(path))
    return Served(app=load_application(str(source)))


def read_bundle(folder: Path) -> JsonObject:
    """Give the bundle that lies in a folder.

    Raises:
        NoSuchApp: it is not whole.
    """
    metadata = _read_object(folder / METADATA)
    root = folder / SOURCES
    modules: dict[str, str] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            modules[path.relative_to(root).as_posix()] = _read(path)
    for name in _modules_named(metadata, folder):
        if name not in modules:
            raise NoSuchApp(
                f"{folder / METADATA} names the module {name!r}, but there is no "
                f"{root / name}; if it is made of TypeScript, give the folder that "
                "it is built into"
            )
    listed: list[Json] = [{"name": k, "module": v} for k, v in modules.items()]
    return {"metadata": metadata, "modules": listed}


def read_constitution(source: ConstitutionSource) -> str:
    """Give a constitution's text.

    Raises:
        FileNotFoundError: there is none of that name.
    """
    if isinstance(source, str):
        scripts: Sequence[Path] = share.constitution(source)
    elif isinstance(source, Path):
        scripts = [source]
    else:
        scripts = source
    return "\n".join(script.read_text() for script in scripts)


def _scripted(bundle: JsonObject) -> Served:
    app = App("js_generic")
    app.serve_scripts(Scripts(tables=GOVERNED))
    return Served(app=app, actions=[{"name": "set_js_app", "args": {"bundle": bundle}}])


def _modules_named(metadata: JsonObject, folder: Path) -> list[str]:
    endpoints = metadata.get("endpoints")
    if not isinstance(endpoints, dict):
        raise NoSuchApp(f"{folder / METADATA} needs an object 'endpoints'")
    verbs = [
        properties
        for path in endpoints.values()
        if isinstance(path, dict)
        for properties in path.values()
    ]
    names = [verb.get("js_module") for verb in verbs if isinstance(verb, dict)]
    return [name for name in names if isinstance(name, str)]


def _read_object(path: Path) -> JsonObject:
    try:
        return json.loads_object(_read(path).encode())
    except Malformed as error:
        raise NoSuchApp(f"{path} is no JSON object: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NoSuchApp(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NoSuchApp(f"{path} is not text") from error
