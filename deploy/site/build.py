"""Makes the site of the documentation: ``make site``.

    python -m deploy.site.build [--repository https://…] [--ref v0.1.0] [--into FOLDER]

The pages in docs stay as a forge shows them. This program collects them in build/site,
and zensical makes HTML of them. Any warning fails, such as a link to a heading that is
not there. Nothing on the site asks another host for anything. Each minor version has a
folder of its own in the result, so that a release adds a folder and leaves the others
(.github/workflows/docs.yml).
"""

import argparse
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from deploy.site.pages import ROOT, Repository, collect, navigation

HERE: Final = Path(__file__).resolve().parent
WORK: Final = ROOT / "build/site"
VERSION: Final = str(ROOT / "ccfpy/base/version.py")

_WORKER: Final = "https://unpkg.com/iframe-worker/shim"
"""Where the theme would have a browser find the second script."""
_FETCHED: Final = re.compile(
    r"""<(?:script|img|iframe|link\b(?![^>]*\brel="?canonical))\b[^>]*"""
    r"""\b(?:src|href)=["']?((?:https?:)?//[^"' >]+)"""
)
_REDIRECT: Final = """<!doctype html>
<meta charset="utf-8"><title>ccfpy</title>
<meta http-equiv="refresh" content="0; url={0}/index.html">
<a href="{0}/index.html">ccfpy {0}</a>
"""


def find_fetched(page: str) -> str | None:
    """Return the first address of another host that a page makes a browser load."""
    found = _FETCHED.search(page)
    return None if found is None else found[1]


def finish(html: Path) -> None:
    """Make pages ask no other host for anything, and check that they do not.

    Raises:
        SystemExit: a page loads something from another host.
    """
    (html / "404.html").unlink()  # its links are those of a site at a host's root
    for page in html.rglob("*.html"):
        up = os.path.relpath(html, page.parent)
        text = page.read_text().replace(_WORKER, f"{up}/iframe-worker.js")
        if (address := find_fetched(text)) is not None:
            sys.exit(f"{page.relative_to(html)} loads {address}")
        page.write_text(text)


def publish(html: Path, into: Path, version: str) -> None:
    """Put a version's pages among those of other versions, and list them all."""
    minor = ".".join(version.split(".")[:2])
    shutil.rmtree(into / minor, ignore_errors=True)
    shutil.copytree(html, into / minor)
    folders = [it.name for it in into.iterdir() if re.fullmatch(r"\d+\.\d+", it.name)]
    folders.sort(key=lambda name: [int(part) for part in name.split(".")], reverse=True)
    versions = [{"version": name, "title": name, "aliases": []} for name in folders]
    (into / "versions.json").write_text(json.dumps(versions))
    (into / "index.html").write_text(_REDIRECT.format(folders[0]))


def main() -> None:
    """Make the site."""
    parser = argparse.ArgumentParser(description="Make the site of the documentation.")
    parser.add_argument("--repository", default="", help="its address on a forge")
    parser.add_argument("--ref", default="main", help="the tag or branch to link to")
    parser.add_argument("--into", type=Path, default=WORK / "public")
    arguments = parser.parse_args()

    pages, html = WORK / "pages", WORK / "html"
    for folder in (pages, html):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (WORK, arguments.into):
        folder.mkdir(parents=True, exist_ok=True)
    address = arguments.repository.rstrip("/")
    collect(pages, Repository(address=address, ref=arguments.ref))
    settings = (HERE / "mkdocs.yml").read_text()
    settings += f"\nnav: {json.dumps(navigation(pages))}\n"
    (WORK / "mkdocs.yml").write_text(settings)
    zensical = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    made = subprocess.run([*zensical, "-f", WORK / "mkdocs.yml"], cwd=WORK, check=False)  # noqa: S603
    if made.returncode:
        sys.exit("the site is not made: see the warnings above")
    finish(html)
    publish(html, arguments.into, runpy.run_path(VERSION)["VERSION"])


if __name__ == "__main__":
    main()
