"""``ccfpy app``: from an empty folder to an app that a service runs."""

from ccfpy.cli.entries import Command, Entry, Table


def _new() -> Command:
    from ccfpy.cli.app_dev import new

    return new


def _bundle() -> Command:
    from ccfpy.cli.app_bundle import bundle

    return bundle


def _deploy() -> Command:
    from ccfpy.cli.app_bundle import deploy

    return deploy


def _dev() -> Command:
    from ccfpy.cli.app_dev import dev

    return dev


def _replay() -> Command:
    from ccfpy.cli.app_replay import replay

    return replay


app: Table = {
    "new": Entry(
        "Write a new app into a folder of its own: source, tests, README.", _new
    ),
    "bundle": Entry(
        "Check an app and write it as one file, as set_js_app takes it.", _bundle
    ),
    "deploy": Entry(
        "Check an app, propose it, vote for it, and wait until it is committed.",
        _deploy,
    ),
    "dev": Entry(
        "Serve an app on this machine, and follow every change of its sources.", _dev
    ),
    "replay": Entry(
        "Run a request that ccfpy app dev served again, on the state it saw.", _replay
    ),
}
