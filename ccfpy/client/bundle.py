"""A bundle: an application's metadata and modules, as ``set_js_app`` takes them.

It comes from a bundle's file, from a folder with ``app.json`` and ``src`` as CCF's
tools leave it, or from a project whose build makes such a folder in ``dist``. Source
maps that lie beside modules stay outside: nobody but who debugs needs them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.json import Json, JsonObject, loads_object

METADATA = "app.json"
SOURCES = "src"
BUILT = "dist"
PROJECT = "package.json"
NOT_MODULES = (".map", ".d.ts", ".DS_Store")
"""How the names of files end that lie among modules and are none."""


class NoBundle(CcfpyError):
    """There is no application where one was looked for; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An application, not checked yet.

    Attributes:
        metadata: what ``app.json`` says.
        modules: sources by name, without a slash in front.
        folder: where the modules' files lie; nowhere if it came in one file.
    """

    metadata: JsonObject
    modules: Mapping[str, str]
    folder: Path | None = None

    def endpoints(self) -> list[tuple[str, str, Json]]:
        """List path, verb and properties of each endpoint, as far as they have form."""
        paths = self.metadata.get("endpoints")
        if not isinstance(paths, dict):
            return []
        return [
            (path, verb, properties)
            for path, verbs in paths.items()
            if isinstance(verbs, dict)
            for verb, properties in verbs.items()
        ]

    def as_json(self) -> JsonObject:
        """Return the bundle as ``set_js_app`` takes it."""
        listed: list[Json] = [
            {"name": name, "module": source} for name, source in self.modules.items()
        ]
        return {"metadata": self.metadata, "modules": listed}

    def action(self) -> JsonObject:
        """Return the action that installs the bundle."""
        return {"name": "set_js_app", "args": {"bundle": self.as_json()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where an application's parts lie.

    Attributes:
        metadata: the file ``app.json``.
        sources: the folder of its modules.
    """

    metadata: Path
    sources: Path

    @classmethod
    def of(cls, folder: Path) -> "Layout":
        """Find the parts in a folder: CCF's layout, or a project's that was built.

        Raises:
            NoBundle: something is not there.
        """
        built = folder / BUILT
        is_project = (built / SOURCES).is_dir()
        metadata = next(
            (
                place / METADATA
                for place in ([built] if is_project else []) + [folder]
                if (place / METADATA).is_file()
            ),
            None,
        )
        if metadata is None:
            raise NoBundle(
                f"no {METADATA} in {folder}: give a folder with {METADATA} and "
                f"{SOURCES}, or begin with ccfpy app new"
            )
        sources = built / SOURCES if is_project else folder / SOURCES
        if not sources.is_dir():
            raise NoBundle(
                f"no folder {sources} beside {metadata.name}: put the modules there, "
                f"or build the project, which leaves them in {BUILT}/{SOURCES}"
            )
        return cls(metadata=metadata, sources=sources)


def read_bundle(path: Path) -> Bundle:
    """Read an application from a bundle's file or a folder.

    Raises:
        NoBundle: there is none, or it has not the form of one.
    """
    return _of_folder(Layout.of(path)) if path.is_dir() else _of_file(path)


def _of_folder(layout: Layout) -> Bundle:
    metadata = _json_of(layout.metadata)
    files = sorted(path for path in layout.sources.rglob("*") if path.is_file())
    modules = {
        path.relative_to(layout.sources).as_posix(): _text_of(path)
        for path in files
        if not path.name.endswith(NOT_MODULES)
    }
    if not modules:
        raise NoBundle(f"{layout.sources} holds no module: build the project first")
    return Bundle(metadata=metadata, modules=modules, folder=layout.sources)


def _of_file(path: Path) -> Bundle:
    """Read a bundle, or a proposal whose one action installs it."""
    value = _json_of(path)
    actions = value.get("actions")
    if isinstance(actions, list) and len(actions) == 1:
        value = _nested(actions[0], "args", "bundle")
    metadata, listed = value.get("metadata"), value.get("modules")
    if not isinstance(metadata, dict) or not isinstance(listed, list):
        raise NoBundle(
            f"{path} is no bundle: it needs an object 'metadata' and a list 'modules'"
        )
    modules: dict[str, str] = {}
    for entry in listed:
        fields = entry if isinstance(entry, dict) else {}
        name, source = fields.get("name"), fields.get("module")
        if not isinstance(name, str) or not isinstance(source, str):
            raise NoBundle(
                f"{path} is no bundle: each module needs a 'name' and its source as "
                "'module', both text"
            )
        modules[name] = source
    return Bundle(metadata=metadata, modules=modules)


def _nested(value: Json, *names: str) -> JsonObject:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _json_of(path: Path) -> JsonObject:
    try:
        return loads_object(_text_of(path))
    except Malformed as error:
        raise NoBundle(f"{path} is not what it should be: {error}") from error


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise NoBundle(
            f"cannot use {path}: {reason}; correct the path or its permissions"
        ) from error
    except UnicodeDecodeError as error:
        raise NoBundle(f"{path} is no text: a module must be JavaScript") from error
