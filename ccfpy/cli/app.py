"""``ccfpy app``: from an empty folder to an app that a service runs."""

import typer

from ccfpy.cli.app_bundle import bundle
from ccfpy.cli.app_deploy import deploy
from ccfpy.cli.app_dev import dev
from ccfpy.cli.app_new import new
from ccfpy.cli.app_replay import replay

app = typer.Typer(no_args_is_help=True)
app.command()(new)
app.command()(bundle)
app.command()(deploy)
app.command()(dev)
app.command()(replay)
