"""Makes two wheels of one: ``ccfpy-client``, and ``ccfpy`` with everything else.

    python deploy/wheel/split.py WHEEL FOLDER    write both into a folder
    python deploy/wheel/split.py --requires      print what ccfpy-client needs

pyproject.toml says which files the client has, in ``tool.ccfpy.client``. No file is in
both wheels, and both put their files into the one package ``ccfpy``. What is compiled
is in ``ccfpy``, so the client's wheel runs on any machine. The same wheel makes the
same bytes.
"""

import base64
import csv
import hashlib
import io
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
CLIENT: Final = "ccfpy-client"
SUMMARY: Final = "Verify, audit and govern ccfpy's ledgers: the part that runs no node"
PAGE: Final = Path(__file__).with_name("client.md")
COMPILED: Final = (".so", ".pyd")
_PACKAGE: Final = "ccfpy/"
_UNFOLDED: Final = compat32.clone(max_line_length=None)
_ANY_MACHINE: Final = "py3-none-any"
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_EXTRA: Final = re.compile(r"extra == '([\w-]+)'")

Files = dict[zipfile.ZipInfo, bytes]


def settings() -> Mapping[str, Any]:
    """Return what pyproject.toml says of the client."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: Mapping[str, Any] = project["tool"]["ccfpy"]["client"]
    return found


def is_of_client(name: str, said: Mapping[str, Any]) -> bool:
    """Return whether the client has a file, by its path in the package ``ccfpy``."""

    def matches(patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    return matches(said["files"]) and not (
        matches(said["except"]) or name.endswith(COMPILED)
    )


def requirements(said: Mapping[str, Any]) -> list[str]:
    """Return what the client needs, with the versions that ccfpy needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {name.lower() for name in said["requires"]}
    return [each for each in project["dependencies"] if _name(each) in wanted]


def split(wheel: Path, folder: Path) -> tuple[Path, Path]:
    """Write the client's wheel and the wheel of everything else.

    Args:
        wheel: a wheel of all of ccfpy, for any machine or compiled.
        folder: where both are written; the second has the name of ``wheel``.
    """
    said = settings()
    with zipfile.ZipFile(wheel) as archive:
        files = {info: archive.read(info) for info in archive.infolist()}
    (about,) = {i.filename.split("/")[0] for i in files if ".dist-info/" in i.filename}
    texts = {
        info.filename.removeprefix(f"{about}/"): data
        for info, data in files.items()
        if info.filename.startswith(f"{about}/")
    }
    first = next(iter(files))
    client: Files = {}
    others: Files = {}
    for info, data in files.items():
        if info.filename.startswith(f"{about}/"):
            continue
        name = info.filename.removeprefix(_PACKAGE)
        is_client = name != info.filename and is_of_client(name, said)
        (client if is_client else others)[info] = data
    scripts, plugins = _entry_points(texts.pop("entry_points.txt").decode())
    metadata = BytesParser().parsebytes(texts.pop("METADATA"))
    version = metadata["Version"]
    tags = BytesParser().parsebytes(texts.pop("WHEEL"))
    del texts["RECORD"]
    licences = {name: data for name, data in texts.items() if "licenses/" in name}

    ours = f"{CLIENT.replace('-', '_')}-{version}"
    made = folder / f"{ours}-{_ANY_MACHINE}.whl"
    rest = folder / wheel.name
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        made,
        client,
        f"{ours}.dist-info",
        {
            **licences,
            "METADATA": _client_metadata(metadata, said),
            "WHEEL": _wheel(tags, [_ANY_MACHINE]),
            "entry_points.txt": scripts.encode(),
        },
        like=first,
    )
    metadata["Requires-Dist"] = f"{CLIENT}=={version}"
    _write(
        rest,
        others,
        about,
        {
            **texts,
            "METADATA": metadata.as_bytes(policy=_UNFOLDED),
            "WHEEL": _wheel(tags, tags.get_all("Tag", [])),
            "entry_points.txt": plugins.encode(),
        },
        like=first,
    )
    return made, rest


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match is not None
    return match[0].lower()


def _entry_points(text: str) -> tuple[str, str]:
    """Return the programs, which the client has, and all other entry points."""
    parts = [part.strip() + "\n" for part in re.split(r"(?m)^(?=\[)", text) if part]
    scripts = [part for part in parts if part.startswith("[console_scripts]")]
    return "\n".join(scripts), "\n".join(p for p in parts if p not in scripts)


def _client_metadata(of_all: Message, said: Mapping[str, Any]) -> bytes:
    """Return the client's metadata, made of the metadata of all of ccfpy."""
    wanted = {name.lower() for name in said["requires"]}
    made = Message()
    for key, value in of_all.items():
        extra = _EXTRA.search(value) if key == "Requires-Dist" else None
        if key == "Requires-Dist":
            kept = extra[1] in said["extras"] if extra else _name(value) in wanted
        else:
            kept = key != "Provides-Extra" or value in said["extras"]
        if kept:
            made[key] = value
    made.replace_header("Name", CLIENT)
    made.replace_header("Summary", SUMMARY)
    made.set_payload(PAGE.read_text())
    return made.as_bytes(policy=_UNFOLDED)


def _wheel(of_all: Message, tags: Iterable[str]) -> bytes:
    """Return how a wheel is installed.

    Both go to the folder for code that is not compiled, though one may have compiled
    code. Where the folders differ, the package would lie in two places.
    """
    made = Message()
    made["Wheel-Version"] = of_all["Wheel-Version"]
    made["Generator"] = of_all["Generator"]
    made["Root-Is-Purelib"] = "true"
    for tag in tags:
        made["Tag"] = tag
    return made.as_bytes(policy=_UNFOLDED)


def _write(
    wheel: Path,
    files: Files,
    about: str,
    texts: Mapping[str, bytes],
    *,
    like: zipfile.ZipInfo,
) -> None:
    """Write a wheel; what describes it bears the time and the rights of ``like``."""
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, data: bytes, info: zipfile.ZipInfo) -> None:
            entry = zipfile.ZipInfo(name, info.date_time)
            entry.external_attr = info.external_attr
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)

        for info, data in files.items():
            add(info.filename, data, info)
            rows.writerow([info.filename, _digest(data), len(data)])
        for name, data in sorted(texts.items()):
            add(f"{about}/{name}", data, like)
            rows.writerow([f"{about}/{name}", _digest(data), len(data)])
        rows.writerow([f"{about}/RECORD", "", ""])
        add(f"{about}/RECORD", record.getvalue().encode(), like)


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode()
    return f"sha256={digest.rstrip('=')}"


def main(arguments: list[str]) -> None:
    """Split a wheel, or print what the client needs."""
    if arguments == ["--requires"]:
        sys.stdout.write("\n".join(requirements(settings())) + "\n")
        return
    wheel, folder = map(Path, arguments)
    for made in split(wheel, folder):
        sys.stdout.write(f"{made}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
