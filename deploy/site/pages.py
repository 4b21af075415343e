"""Collects the pages of the site in Markdown.

These are the pages of docs, the few pages outside of docs that belong to the
documentation, and a page for each public module, which its docstrings fill. Links that
leave these pages lead to the repository's address where one is named; otherwise their
text stays.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.site.scripts import SCRIPTS, fetch

ROOT: Final = Path(__file__).resolve().parents[2]

PAGES: Final = {
    "README.md": "index.md",
    "docs/README.md": "contents.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "governance/README.md": "governance.md",
    "clients/typescript/README.md": "typescript-client.md",
}
"""Pages that are elsewhere on the site than below docs in the repository."""

MODULES: Final = ("ccfpy.app", "ccfpy.client", "ccfpy.audit", "ccfpy.testing")
"""The modules whose docstrings have pages; a package stands for its modules."""

NAVIGATION: Final = (
    ("Tutorial", "tutorial"),
    ("How-tos", "howto"),
    ("Reference", "reference"),
    ("Modules", "modules"),
    ("Formats", "formats"),
    ("Decisions", "adr"),
)
"""Folders of the site, as a reader meets them; other pages follow."""

_LITERAL: Final = r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)$|`[^`]*`"
_LINK: Final = re.compile(
    rf"{_LITERAL}|(?<!!)\[(?P<text>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)
_IMAGE: Final = re.compile(r'(?P<attribute>src(?:set)?=")docs/')
_LISTED: Final = re.compile(r"\]\(([\w.-]+\.md)\)")
_ELSEWHERE: Final = re.compile(r"[a-z]+:|#|//")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where the files are that the site does not have.

    Attributes:
        address: of the repository on a forge; empty if nobody has named one.
        ref: the tag, branch or commit from which the site is made.
    """

    address: str
    ref: str

    def link(self, text: str, path: str, anchor: str) -> str:
        """Return Markdown that names a file of the repository, or links to the file."""
        if not self.address:
            return text
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"[{text}]({self.address}/{kind}/{self.ref}/{path}{anchor})"


def place_of(path: str) -> str | None:
    """Return where a file of the repository is on the site; None if it is not there."""
    if path in PAGES:
        return PAGES[path]
    inside = path.removeprefix("docs/")
    return inside if inside != path and (ROOT / path).is_file() else None


def rewritten(text: str, path: str, repository: Repository) -> str:
    """Return a page with links that hold on the site.

    Args:
        text: the page, in Markdown.
        path: where it is in the repository.
        repository: where the files are that are not on the site.
    """
    here = Path(PAGES.get(path, path.removeprefix("docs/"))).parent

    def link(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or _ELSEWHERE.match(target):
            return found[0]
        name, _, anchor = target.partition("#")
        anchor = anchor and f"#{anchor}"
        file = os.path.normpath(Path(path).parent / name)
        place = place_of(file) or place_of(f"{file}/README.md")
        if place is None:
            return repository.link(found["text"], file, anchor)
        return f"[{found['text']}]({os.path.relpath(place, here)}{anchor})"

    text = _LINK.sub(link, text)
    return text if path.startswith("docs/") else _IMAGE.sub(r"\g<attribute>", text)


def module_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each public module: its place, and its text."""
    names = []
    for package in MODULES:
        folder = ROOT / package.replace(".", "/")
        files = [file.relative_to(ROOT) for file in folder.rglob("*.py")]
        dotted = (".".join(file.with_suffix("").parts) for file in files)
        modules = sorted(name.removesuffix(".__init__") for name in dotted)
        modules = [name for name in modules if "._" not in name]
        text = "\n\n".join(f"::: {name}" for name in modules)
        place = f"modules/{package}.md"
        names.append(f"* [`{package}`]({package}.md)")
        yield place, f"# {package}\n\n{text}\n"
    listed = "\n".join(names)
    promise = "[What a version promises](../reference/public-modules.md)."
    yield "modules/README.md", f"# Modules\n\n{promise}\n\n{listed}\n"


def collect(pages: Path, repository: Repository) -> None:
    """Write everything that the site is made of into a new folder."""
    shutil.copytree(ROOT / "docs", pages)
    (pages / "README.md").unlink()
    sources = [f"docs/{file.relative_to(pages)}" for file in pages.rglob("*.md")]
    for path in (*PAGES, *sources):
        text = rewritten((ROOT / path).read_text(), path, repository)
        place = pages / (PAGES.get(path) or path.removeprefix("docs/"))
        if "\n```mermaid" in text:
            up = os.path.relpath(pages, place.parent)
            text += f'\n<script src="{up}/mermaid.min.js"></script>\n'
        place.write_text(text)
    (pages / "modules").mkdir()
    for name, text in module_pages():
        (pages / name).write_text(text)
    for name, script in SCRIPTS.items():
        (pages / name).write_bytes(fetch(script, pages.parent))


def navigation(pages: Path) -> list[object]:
    """Return the site's table of contents: in a folder, the order of its README."""
    menu: list[object] = ["index.md", "contents.md"]
    for title, folder in NAVIGATION:
        listed = _LISTED.findall((pages / folder / "README.md").read_text())
        there = sorted(file.name for file in (pages / folder).glob("*.md"))
        wanted = dict.fromkeys(["README.md", *listed, *there])
        names = [name for name in wanted if name in there]
        menu.append({title: [f"{folder}/{name}" for name in names]})
    others = sorted(file.name for file in pages.glob("*.md"))
    menu.append({"More": [name for name in others if name not in menu]})
    return menu
