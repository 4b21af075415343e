"""An application as the command line names it, for processes in other folders."""

from pathlib import Path

from ccfpy.cli.errors import Misused

_SUFFIXES = (".py", ".enclave")
"""Of a Python file, and of what ``ccfpy enclave sign`` writes."""


def named_anywhere(app: str) -> str:
    """Return a path from the root, and a sample's name as it is."""
    path = Path(app)
    is_path = path.suffix in _SUFFIXES or (path / "__init__.py").is_file()
    return str(path.resolve()) if is_path else app


def python_app(project: Path) -> Path | None:
    """Return the file or package of an app in Python; nothing for JavaScript.

    Raises:
        Misused: there is no app, or a folder does not say which file is the app.
    """
    from ccfpy.client.bundle import METADATA, PROJECT
    from ccfpy.devtools.watching import python_files

    if project.suffix == ".py" and project.is_file():
        return project.resolve()
    if not project.is_dir():
        raise Misused(f"{project} is no app: give a Python file or a folder")
    if (project / METADATA).is_file() or (project / PROJECT).is_file():
        return None
    if (project / "__init__.py").is_file():
        return project.resolve()
    found = sorted(python_files(project / "app.py"))
    if not found:
        return None
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise Misused(f"{project} has {names}: name the file that has the app")
    return found[0].resolve()


def refuse_python(app: Path) -> None:
    """Check that an app is none in Python, which no bundle can hold.

    Raises:
        Misused: it is; the text says what to do instead.
    """
    may_be = app.suffix == ".py" or app.is_dir()
    if app.exists() and may_be and python_app(app) is not None:
        raise Misused(
            f"{app} is an app in Python: it is part of the nodes' program, and members "
            f"install no bundle of it. Try it with ccfpy app dev {app}, serve it with "
            f"ccfpy node --app {app}, and see docs/howto/attest-and-upgrade.md for "
            "how members change it"
        )
