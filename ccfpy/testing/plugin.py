"""The pytest plugin: a service for each test that asks for one.

Only this module imports pytest, and pytest loads it wherever ccfpy is installed:
everything else is imported when a test asks for a service.

An application is named by the marker ``ccf`` of a test, class or module, whose
arguments are those of ``ccfpy.testing.apps.Service.open``, or for all tests by
``ccf_app`` in pytest's ini file. Paths in a marker begin at the test's file, those in
the ini file at that file.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from ccfpy.testing.apps import Caller, MemberCaller, Options, Service
    from ccfpy.testing.emulators import EmulatedLedger

MARKER = "ccf"
APP = "ccf_app"
CONSTITUTION = "ccf_constitution"
_PATHS = ("app", "constitution")


class OpenService(Protocol):
    """Opens a service; the arguments are those of ``Service.open``."""

    def __call__(self, **options: "Unpack[Options]") -> "Service":
        """Open a service."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Define the ini file's keys for an application and a constitution."""
    parser.addini(APP, "the application that services of the fixture ccf_service serve")
    parser.addini(
        CONSTITUTION, "their constitution, by name or path", default="default"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(app, constitution, members, users, nodes, actions, seed, "
        "machine): "
        "what the test's service serves, and whom (ccfpy)",
    )


@pytest.fixture
def ccf_open(request: pytest.FixtureRequest) -> OpenService:
    """Open services; the marker and the ini file are the defaults of its arguments."""
    from ccfpy.testing.apps import Service  # noqa: PLC0415 - see the module

    told = _told(request)

    def open_service(**options: "Unpack[Options]") -> "Service":
        asked: dict[str, Any] = {**told, **options}
        if "app" not in asked:
            raise pytest.UsageError(
                "name the application that is tested: @pytest.mark.ccf(app=...), or "
                f"{APP} in pytest's ini file"
            )
        return Service.open(**asked)

    return open_service


@pytest.fixture
def ccf_service(ccf_open: OpenService) -> "Service":
    """A service for this test alone, open to its users."""
    return ccf_open()


@pytest.fixture
def ccf_attested(ccf_open: OpenService) -> "Service":
    """A service for this test alone, on a simulated machine that vouches for it."""
    from ccfpy.testing.apps import AttestedMachine  # noqa: PLC0415 - see the module

    return ccf_open(machine=AttestedMachine())


@pytest.fixture(scope="session")
def ccf_acl(
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[EmulatedLedger]":
    """An emulator of Azure Confidential Ledger, for all tests of a session."""
    from ccfpy.testing.emulators import emulated_ledger  # noqa: PLC0415 - see the module

    with emulated_ledger(tmp_path_factory.mktemp("acl")) as ledger:
        yield ledger


@pytest.fixture
def ccf_user(ccf_service: "Service") -> "Caller":
    """The service's first user."""
    return ccf_service.user()


@pytest.fixture
def ccf_member(ccf_service: "Service") -> "MemberCaller":
    """The service's first member."""
    return ccf_service.member()


@pytest.fixture
def ccf_anybody(ccf_service: "Service") -> "Caller":
    """A caller without a certificate."""
    return ccf_service.anybody


def _told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the ini file and the markers say; the nearest marker wins."""
    config = request.config
    told: dict[str, Any] = {}
    folder = config.inipath.parent if config.inipath else config.rootpath
    for name, option in (("app", APP), ("constitution", CONSTITUTION)):
        if value := config.getini(option):
            told[name] = _placed(value, folder)
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        if marker.args:
            raise pytest.UsageError(
                f"the arguments of @pytest.mark.{MARKER} have names, such as app=..."
            )
        told |= marker.kwargs
        told |= {
            name: _placed(marker.kwargs[name], request.path.parent)
            for name in _PATHS
            if name in marker.kwargs
        }
    return told


def _placed(value: object, folder: Path) -> object:
    """Resolve the values that name files or folders from that folder."""
    if isinstance(value, list | tuple):
        return [_placed(item, folder) for item in value]
    if isinstance(value, str | Path) and (folder / value).exists():
        return folder / value
    return value
