"""``ccfpy ledger``: ledger files read, verified, repaired, split, without nodes."""

import typer

from ccfpy.cli.ledger_check import check
from ccfpy.cli.ledger_decrypt import decrypt
from ccfpy.cli.ledger_export import export
from ccfpy.cli.ledger_history import history
from ccfpy.cli.ledger_repair import repair
from ccfpy.cli.ledger_show import show
from ccfpy.cli.ledger_split import split
from ccfpy.cli.ledger_verify import verify

ledger = typer.Typer(no_args_is_help=True)

for command in (verify, check, repair, history, show, decrypt, export, split):
    ledger.command()(command)
