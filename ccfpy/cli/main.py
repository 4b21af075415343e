"""``ccfpy``: the commands, each loaded only when it is run.

This module has only their names and summaries, so that help appears at once and a
node's host process loads nothing that it does not need.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence

from ccfpy.base.errors import CcfpyError
from ccfpy.base.version import VERSION
from ccfpy.cli.entries import (
    COMPLETION_VARIABLE,
    HELP_STYLE,
    Command,
    Entry,
    Table,
    add,
    installed,
    is_whole,
)
from ccfpy.cli.errors import CommandFailed, ExitCode
from ccfpy.cli.output import finish, give_up, note, print_line

WHOLE = f"only ccfpy-client is installed: pip install ccfpy=={VERSION}"
"""What is said where a command needs more than ``ccfpy-client`` has."""
GC_THRESHOLD = 50_000
"""How many objects are made between two collections: imports make no garbage."""


def _sandbox() -> Command:
    from ccfpy.cli.sandbox import sandbox

    return sandbox


def _call() -> Command:
    from ccfpy.cli.call import call

    return call


def _gov() -> Table:
    from ccfpy.cli.gov import gov

    return gov


def _api() -> Command:
    from ccfpy.cli.api import api

    return api


def _console() -> Command:
    from ccfpy.cli.console import console

    return console


def _app() -> Table:
    from ccfpy.cli.app import app

    return app


def _attest() -> Table:
    from ccfpy.cli.attest import attest

    return attest


def _network() -> Table:
    from ccfpy.cli.network import network

    return network


def _ledger() -> Table:
    from ccfpy.cli.ledger import ledger

    return ledger


def _recover() -> Command:
    from ccfpy.cli.recover import recover

    return recover


def _snapshot() -> Table:
    from ccfpy.cli.snapshot import snapshot

    return snapshot


def _receipt() -> Table:
    from ccfpy.cli.receipt import receipt

    return receipt


def _emulate() -> Table:
    from ccfpy.cli.emulate import emulate

    return emulate


def _keygen() -> Command:
    from ccfpy.cli.keygen import keygen

    return keygen


def _enclave() -> Table:
    from ccfpy.cli.enclave import enclave

    return enclave


def _doctor() -> Command:
    from ccfpy.cli.doctor import doctor

    return doctor


def _compat() -> Table:
    from ccfpy.cli.compat import compat

    return compat


def _completion() -> Command:
    from ccfpy.cli.completion import completion

    return completion


def _node() -> Command:
    def node() -> None:
        raise AssertionError("a node is started before commands are parsed")

    return node


COMMANDS: Table = {
    "sandbox": Entry("Start, open and keep a service to try things out on.", _sandbox),
    "node": Entry("Run one node as its configuration file says.", _node),
    "call": Entry("Send one request to a service, as one of its users.", _call),
    "gov": Entry("Propose, vote, withdraw: a member's signed requests.", _gov),
    "api": Entry("Show what a service offers, as a page that works offline.", _api),
    "console": Entry(
        "Show a service on a web page: its nodes, its proposals, and a vote on them.",
        _console,
    ),
    "app": Entry("Write an app: begin, check, run, deploy it, replay requests.", _app),
    "network": Entry("Look at a service's nodes, add and retire them.", _network),
    "ledger": Entry(
        "Verify ledger files, tell, open and export what they hold, offline.", _ledger
    ),
    "recover": Entry(
        "Bring a lost service back from its files and its members.", _recover
    ),
    "snapshot": Entry("Verify and show snapshot files, offline.", _snapshot),
    "receipt": Entry("Fetch, verify and explain receipts.", _receipt),
    "attest": Entry("Tell and verify evidence of what nodes run on.", _attest),
    "emulate": Entry("Emulate services of others, for their own clients.", _emulate),
    "enclave": Entry(
        "Measure and sign what nodes run; make simulated machines.", _enclave
    ),
    "keygen": Entry("Make the keys of a member or a user.", _keygen),
    "doctor": Entry("Check that this machine has what ccfpy needs.", _doctor),
    "compat": Entry("Write stand-ins for CCF's own programs.", _compat),
    "completion": Entry("Print a shell's script that completes commands.", _completion),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 0, 1 (it failed) or 2 (it was misused).

    A reader of the output may stop before its end, as ``head`` does. The command then
    ends with 1 and prints nothing.
    """
    if arguments is None:  # the process is this command's own
        _spare_the_collector()
    argv = sys.argv[1:] if arguments is None else list(arguments)
    try:
        try:
            _run(argv)
        finally:
            # What is still buffered is written here, where a broken pipe is expected,
            # and not by the interpreter as it ends, which would print a traceback.
            finish()
    except BrokenPipeError:
        give_up()
        sys.exit(ExitCode.FAILED)


def _spare_the_collector() -> None:
    """Look for garbage rarely while a command is loaded, and not at its end.

    All that was loaded is alive until then, and the process takes it with it.
    """
    gc.set_threshold(GC_THRESHOLD)
    atexit.register(gc.freeze)


def _run(argv: Sequence[str]) -> None:
    offered = _offered(argv)
    if argv[:1] == ["node"]:
        from ccfpy.cli.node import node

        sys.exit(node(argv[1:]))
    if argv in (["--version"], ["-V"]):
        print_line(f"ccfpy {VERSION}")
        sys.exit(0)
    try:
        _application(offered, _words(argv))(args=argv, prog_name="ccfpy")
    except CommandFailed as error:
        sys.exit(_report(str(error), error.code))
    except CcfpyError as error:
        sys.exit(_report(str(error), ExitCode.FAILED))
    except ModuleNotFoundError as error:
        if is_whole() or not (error.name or "").startswith("ccfpy."):
            raise
        sys.exit(_report(f"the rest cannot be done, as {WHOLE}", ExitCode.FAILED))
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = (error.strerror or str(error)).lower()
        remedy = "correct the path or its permissions"
        sys.exit(_report(f"{where}{reason}; {remedy}", ExitCode.FAILED))
    except KeyboardInterrupt:
        sys.exit(130)


def _offered(argv: Sequence[str]) -> Table:
    """Return the commands that are installed; exit if another is asked for."""
    offered = installed(COMMANDS)
    if argv and argv[0] in COMMANDS.keys() - offered.keys():
        sys.exit(_report(f"there is no {argv[0]} here, as {WHOLE}", ExitCode.FAILED))
    return offered


def _words(argv: Sequence[str]) -> Sequence[str]:
    """Return the words that choose what is loaded."""
    if COMPLETION_VARIABLE not in os.environ:
        return argv
    from typer._completion_classes import completion_init

    from ccfpy.cli.completion import typed_words

    completion_init()
    return typed_words()


def sandbox_script(arguments: Sequence[str]) -> None:
    """Act as CCF's ``sandbox.sh``: one member, and every proposal is accepted."""
    preset = ["--initial-member-count", "1", "--constitution", "sandbox"]
    main(["sandbox", *preset, *arguments])


def _application(table: Table, argv: Sequence[str]) -> Callable[..., None]:
    import typer

    application = typer.Typer(
        name="ccfpy",
        help="A confidential consortium ledger: run a node, govern it, audit it.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=HELP_STYLE,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @application.callback()
    def root(
        *,
        version: bool = typer.Option(
            False, "--version", "-V", help="Show the version and exit."
        ),
    ) -> None:
        pass

    add(application, table, argv)
    return application


def _report(message: str, code: int) -> int:
    note(f"ccfpy: {message}")
    return code


if __name__ == "__main__":
    main()
