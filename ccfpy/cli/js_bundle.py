"""A JavaScript application in a folder: ``app.json`` and the modules below ``src``."""

from collections.abc import Mapping
from pathlib import Path

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, loads_object
from ccfpy.cli.errors import CommandFailed, no_such_file


def install_app(folder: Path) -> Mapping[str, Json]:
    """Give the action that installs the application.

    Raises:
        CommandFailed: the folder holds none, or it is not whole.
    """
    try:
        metadata = loads_object((folder / "app.json").read_bytes())
        source = folder / "src"
        modules = {
            path.relative_to(source).as_posix(): path.read_text()
            for path in sorted(source.rglob("*"))
            if path.is_file()
        }
    except OSError as error:
        raise no_such_file(f"the JavaScript app in {folder}", error) from error
    except (Malformed, UnicodeDecodeError) as error:
        raise CommandFailed(f"not a JavaScript app in {folder}: {error}") from error
    for name in _named(metadata):
        if name not in modules:
            raise CommandFailed(
                f"{folder / 'app.json'} names the module {name!r}, but there is no "
                f"{source / name}"
            )
    listed: list[Json] = [{"name": k, "module": v} for k, v in modules.items()]
    bundle: Json = {"metadata": metadata, "modules": listed}
    return {"name": "set_js_app", "args": {"bundle": bundle}}


def _named(metadata: Mapping[str, Json]) -> list[str]:
    endpoints = metadata.get("endpoints")
    if not isinstance(endpoints, dict):
        raise CommandFailed("an app.json needs an object 'endpoints'")
    methods = [
        method
        for path in endpoints.values()
        if isinstance(path, dict)
        for method in path.values()
    ]
    modules = [m.get("js_module") for m in methods if isinstance(m, dict)]
    return [name for name in modules if isinstance(name, str)]
