"""What a new app begins as: folders of files in which its name is filled in.

A file's name ends in ``.tmpl`` here, so that no tool takes it for the project's own.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ccfpy.base.errors import CcfpyError

FOLDER = Path(__file__).resolve().parent / "templates"
SUFFIX = ".tmpl"
NAME = re.compile(r"[a-z][a-z0-9]*([._-][a-z0-9]+)*")
NAME_CHARACTERS_MAX = 100


class NoTemplate(CcfpyError):
    """A project cannot be made as asked; the text says why."""


class NewFile(NamedTuple):
    """A file to write.

    Attributes:
        path: from the project's folder.
    """

    path: Path
    text: str


def names() -> list[str]:
    """List the templates."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


def files(template: str, name: str) -> list[NewFile]:
    """Return the files of a project.

    Args:
        template: one of ``names``.
        name: the project's.

    Raises:
        NoTemplate: there is no such template, or the name is none for a project.
    """
    if template not in names():
        raise NoTemplate(f"no template {template!r}: choose {', '.join(names())}")
    if not NAME.fullmatch(name) or len(name) > NAME_CHARACTERS_MAX:
        raise NoTemplate(
            f"{name!r} is no name for a project: begin with a letter, and go on with "
            "small letters, digits, and single '-', '_' or '.' between them"
        )
    words = {"{{name}}": name, "{{module}}": re.sub(r"[.-]", "_", name)}
    return list(_filled(FOLDER / template, words))


def _filled(folder: Path, words: Mapping[str, str]) -> Iterator[NewFile]:
    for path in sorted(folder.rglob(f"*{SUFFIX}")):
        place = path.relative_to(folder).as_posix().removesuffix(SUFFIX)
        yield NewFile(
            path=Path(_fill(place, words)),
            text=_fill(path.read_text(encoding="utf-8"), words),
        )


def _fill(text: str, words: Mapping[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
