"""A network of C++ CCF for a benchmark, from a build and the sources that it is of.

CCF has no package that holds its test network, so three variables say where it is:

    CCF_BUILD   the folder in which ``js_generic`` and
                ``samples/apps/logging/logging`` were built
    CCF_SOURCE  the work tree that they were built from
    CCF_PYTHON  an interpreter with the packages of its ``tests/requirements.txt``
                and of its ``python``

The network is started by CCF's own ``tests/start_network.py``, with CCF's own samples.
"""

import http.client
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.harness.processes import family, wait_until
from benchmarks.harness.service import ENDING_S_MAX, Service
from tests.lab.ports import free_ports

VARIABLES = "CCF_BUILD", "CCF_SOURCE", "CCF_PYTHON"
START_S = 180
PROGRAMS = {"logging": "samples/apps/logging/logging", "js": "js_generic"}
"""The program that runs an app, in the build."""
_CONSTITUTION = "actions", "validate", "resolve", "apply"
_ACCOUNT = "ccf_common"
_FILES = "service_cert.pem", "user0_cert.pem", "user0_privk.pem"
_SIGNED_EACH_MS = 100
_ANSWERS = (http.HTTPStatus.OK, http.HTTPStatus.NOT_FOUND)


def missing() -> str | None:
    """Return a sentence that names the missing variables, if any are missing."""
    lacking = [name for name in VARIABLES if not os.environ.get(name)]
    if not lacking:
        return None
    return f"CCF was not asked: {', '.join(lacking)} would say where its build is."


def version() -> str:
    """Return the version that the build calls itself, such as "7.0.0-dev5"."""
    program = _place("CCF_BUILD") / PROGRAMS["logging"]
    said = subprocess.run(  # noqa: S603 - the build that the user named
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout
    return said.split()[2].removeprefix("ccf-")


def scripts() -> Path:
    """Return the folder of the sample in JavaScript."""
    return _place("CCF_SOURCE") / "samples/apps/logging/js"


@contextmanager
def network(nodes: int, app: str) -> Iterator[Service]:
    """Start a network in a new folder and end it afterwards.

    Args:
        nodes: the number of nodes, of which the first is the primary.
        app: "logging" for CCF's sample in C++, "js" for the same in JavaScript.
    """
    ports = tuple(free_ports(nodes))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            (folder / "said").open("w") as said,
            subprocess.Popen(  # noqa: S603 - the build that the user named
                _command(folder, ports, app),
                cwd=_place("CCF_BUILD"),
                env=os.environ | {"PYTHONPATH": str(_place("CCF_SOURCE") / "tests")},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
            _ended(process),
        ):
            service = Service(
                host="127.0.0.1",
                port=ports[0],
                ports=ports,
                pids=(process.pid,),
                common=folder / _ACCOUNT,
            )
            wait_until(
                lambda: _is_open(service), "CCF's service to open", timeout_s=START_S
            )
            yield Service(
                host=service.host,
                port=service.port,
                ports=ports,
                pids=tuple(family([process.pid])),
                common=service.common,
            )


def _place(variable: str) -> Path:
    return Path(os.environ[variable])


def _command(folder: Path, ports: tuple[int, ...], app: str) -> list[str]:
    source, build = _place("CCF_SOURCE"), _place("CCF_BUILD")
    parts = source / "samples/constitutions/default"
    command = [
        *(os.environ["CCF_PYTHON"], str(source / "tests/start_network.py")),
        *("-b", str(build), "--workspace", str(folder), "--label", "ccf"),
        *("-p", str(build / PROGRAMS[app])),
        *("--sig-ms-interval", str(_SIGNED_EACH_MS)),
        *("--ledger-chunk-bytes", "5MB", "--snapshot-tx-interval", "10000"),
        *("--initial-node-cert-validity-days", "90"),
        *("--initial-service-cert-validity-days", "90"),
    ]
    for part in _CONSTITUTION:
        command += ["--constitution", str(parts / f"{part}.js")]
    if app == "js":
        command += ["--js-app-bundle", str(scripts())]
    for port in ports:
        command += ["-n", f"local://127.0.0.1:{port}"]
    return command


def _is_open(service: Service) -> bool:
    """Return whether a user is answered by the app, not told that there is none yet."""
    if not all((service.common / name).exists() for name in _FILES):
        return False
    client = http.client.HTTPSConnection(
        service.host, service.port, context=service.user_context()
    )
    try:
        client.request("GET", "/app/log/private?id=1")
        answer = client.getresponse()
        body = answer.read()
    except OSError:
        return False
    finally:
        client.close()
    return answer.status in _ANSWERS and _code(body) != "FrontendNotOpen"


def _code(body: bytes) -> str:
    said: object = json.loads(body)
    error = said.get("error", {}) if isinstance(said, dict) else {}
    return str(error.get("code", "")) if isinstance(error, dict) else ""


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Interrupt the script afterwards, which ends its nodes; kill what stays."""
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(ENDING_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
