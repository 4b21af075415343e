"""The entry of the image: makes a node's configuration real, then becomes its host.

    run [--wait-for FILE] TEMPLATE [OPTION …]   a node, with options of ``ccfpy node``
    ready [app|gov|state]                       whether the node in this container is
    leave [SECONDS]                             announce its stop, wait until it may be
    anything else                               a command of ``ccfpy``

A template is ccfpy's configuration with ``${NAME}`` in text, for what differs between
containers and comes from their environment. The process becomes the host, so that
signals reach it as the first process of the container; the enclave is its child.
"""

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

HERE: Final = Path(__file__).resolve().parent
PLACE: Final = "CCFPY_RUN"
"""The environment variable that names the folder for what ends with the container."""
USUAL_PLACE: Final = "/run/ccfpy"
CONFIGURATION: Final = "node.json"
WAIT_S: Final = 300.0
"""How long ``--wait-for`` waits."""
POLL_S: Final = 0.2
REFUSED: Final = 105
"""The exit code of a node whose configuration is refused."""
_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")


class Refused(Exception):
    """A container that cannot become a node; the text is one sentence."""


def render(template: Json, environment: Mapping[str, str]) -> Json:
    """Replace ``${NAME}`` in all text of a JSON value.

    Raises:
        Refused: a name is not in the environment, or is empty there.
    """
    match template:
        case dict():
            return {key: render(value, environment) for key, value in template.items()}
        case list():
            return [render(value, environment) for value in template]
        case str():
            return _VARIABLE.sub(lambda found: _value(found[1], environment), template)
        case _:
            return template


def _value(name: str, environment: Mapping[str, str]) -> str:
    if value := environment.get(name):
        return value
    raise Refused(f"the configuration names ${{{name}}}, which is not set; set it")


def prepare(template: Path, place: Path, environment: Mapping[str, str]) -> Path:
    """Write the configuration that a template makes into ``place``; give its file.

    A pid file that it names is removed: nobody else runs a node in this container, and
    what an earlier run of it left must not keep this one from starting.

    Raises:
        Refused: the template cannot be read, or the configuration not be written.
    """
    try:
        rendered = render(json.loads(template.read_bytes()), environment)
        text = json.dumps(rendered, indent=2)
        place.mkdir(parents=True, exist_ok=True)
        configuration = place / CONFIGURATION
        configuration.write_text(f"{text}\n")
        if (pid_file := _pid_file(rendered)) is not None:
            pid_file.unlink(missing_ok=True)
    except ValueError as error:
        raise Refused(f"{template} is not JSON: {error}; correct it") from None
    except OSError as error:
        raise Refused(f"cannot prepare {place}: {error}") from None
    return configuration


def _pid_file(configuration: Json) -> Path | None:
    """Return the file that CCF's configuration names, where it names one."""
    match configuration:
        case {"output_files": {"pid_file": str(name)}}:
            return Path(name)
        case _:
            return None


def wait_for(path: Path, *, timeout_s: float = WAIT_S) -> None:
    """Wait until a file exists.

    Raises:
        Refused: it does not come.
    """
    deadline = time.monotonic() + timeout_s
    while not path.is_file():
        if time.monotonic() > deadline:
            raise Refused(f"waited {timeout_s:g} s for {path}: nobody made it")
        time.sleep(POLL_S)


def command(words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return the program, with its arguments, that words given to the image mean.

    Raises:
        Refused: it cannot be started.
    """
    match words:
        case ["run", "--wait-for", name, *rest]:
            wait_for(Path(name))
            return command(["run", *rest], environment)
        case ["run", template, *options]:
            place = Path(environment.get(PLACE, USUAL_PLACE))
            configuration = prepare(Path(template), place, environment)
            return _ccfpy("node", "--config", str(configuration), *options)
        case ["run"]:
            raise Refused("run needs the configuration's template; name its file")
        case ["ready" | "leave", *_]:
            return [sys.executable, "-I", str(HERE / "own_node.py"), *words]
        case _:
            return _ccfpy(*words)


def _ccfpy(*words: str) -> list[str]:
    program = str(Path(sys.executable).with_name("ccfpy"))
    return [program, *words]


def main(words: Sequence[str]) -> NoReturn:
    """Become what the words mean."""
    try:
        program = command(words, os.environ)
    except Refused as refusal:
        sys.stdout.write(f"{refusal}\n")
        raise SystemExit(REFUSED) from None
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
