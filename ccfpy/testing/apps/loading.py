"""How a test names an application or a constitution, and what is loaded for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

from ccfpy.app import GOVERNED, App, Scripts
from ccfpy.base.json import Json, JsonObject
from ccfpy.client import share
from ccfpy.client.bundle import METADATA, Bundle, NoBundle, read_bundle
from ccfpy.enclave.application import load_application
from ccfpy.endpoints.application import Application
from ccfpy.service.tables.js import JsRuntimeOptions

AppSource: TypeAlias = Application | Mapping[str, Json] | Path | str
"""An application: itself; a bundle as JSON; the path of a Python file or package, of a
bundle's folder, of a built project or of a bundle's file; or a sample's name."""
ConstitutionSource: TypeAlias = str | Path | Sequence[Path]
"""A constitution: one of ccfpy's own by its name, or its scripts in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An application, ready to be served.

    Attributes:
        app: what nodes are made with.
        actions: what members vote for to have it served.
    """

    app: Application
    actions: Sequence[JsonObject] = ()


def load(source: AppSource) -> Served:
    """Load the application that a source names.

    Raises:
        NoBundle: it is no bundle, or an incomplete bundle.
        ApplicationNotLoaded: there is no such application, or its code fails.
    """
    if isinstance(source, Mapping):
        return _scripted(dict(source))
    if not isinstance(source, str | Path):
        return Served(app=source)
    path = Path(source)
    if path.suffix == ".json" or (path / METADATA).is_file():
        return _scripted(_whole(path).as_json())
    return Served(app=load_application(str(source)))


def _whole(path: Path) -> Bundle:
    """Read a bundle and check that every module is there."""
    bundle = read_bundle(path)
    for where, verb, properties in bundle.endpoints():
        name = properties.get("js_module") if isinstance(properties, dict) else None
        if isinstance(name, str) and name not in bundle.modules:
            raise NoBundle(
                f"{verb.upper()} {where} is for the module {name!r}, which is not in "
                f"{bundle.folder or path}: if it is made of TypeScript, build it first"
            )
    return bundle


def read_constitution(source: ConstitutionSource) -> str:
    """Return a constitution's text.

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
    options = asdict(JsRuntimeOptions(log_exception_details=True))
    return Served(
        app=app,
        actions=[
            {"name": "set_js_runtime_options", "args": options},
            {"name": "set_js_app", "args": {"bundle": bundle}},
        ],
    )
