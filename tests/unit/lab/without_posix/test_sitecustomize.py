"""What is taken away is gone, and ccfpy's modules do without."""

from pathlib import Path

from tests.lab.without_posix import run_without_posix

REFUSED = """
import os, pathlib, signal, subprocess
file = open("open", "w")
for call in (
    lambda: __import__("fcntl"),
    lambda: os.O_DIRECTORY,
    lambda: signal.SIGKILL,
    lambda: subprocess.Popen(["true"], pass_fds=(file.fileno(),)),
    lambda: os.remove("open"),
    lambda: pathlib.Path("open").rename("other"),
):
    try:
        call()
    except Exception as error:
        print(type(error).__name__)
file.close()
os.remove("open")
"""
EVERY_MODULE = """
import importlib, pkgutil, ccfpy
for found in pkgutil.walk_packages(ccfpy.__path__, "ccfpy."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
"""


def test_what_windows_lacks_is_refused(tmp_path: Path) -> None:
    assert run_without_posix("-c", REFUSED, cwd=tmp_path).stdout.split() == [
        "ModuleNotFoundError",
        *("AttributeError", "AttributeError"),
        "ValueError",
        *("PermissionError", "PermissionError"),
    ]
    assert not list(tmp_path.iterdir())


def test_every_module_can_be_imported(tmp_path: Path) -> None:
    run_without_posix("-c", EVERY_MODULE, cwd=tmp_path)
