"""The options of the commands on evidence, with their help."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

WhatArgument: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE|URL|FOLDER|-",
        help="Evidence: a file, a node's https://HOST:PORT, a ledger's folder, stdin.",
    ),
]
EndorsementsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--endorsements", help="What supports a bare report or quote."),
]
UvmOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--uvm-endorsements", help="COSE: whose release was measured."),
]
ExplainOption: TypeAlias = Annotated[
    bool, typer.Option("--explain", help="Tell each check, and why it matters.")
]
AtOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="When it must hold (default: now): a date, or collateral for when an SGX "
        "quote's was gathered."
    ),
]
MeasurementOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="In hex: a measurement that is taken. Repeatable."),
]
HostDataOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="In hex: host data that is taken. Repeatable."),
]
PolicyOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="A file that says what evidence is taken: ccfpy attest policy."),
]
DebugOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-debug", help="Take what the host can look into.")
]
StaleOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-stale", help="Take collateral whose update was due.")
]
VirtualOption: TypeAlias = Annotated[
    bool, typer.Option("--allow-virtual", help="Take what no hardware vouches for.")
]
IssuerOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Whose tokens are believed, by its address.")
]
KeysOption: TypeAlias = Annotated[
    Path | None, typer.Option(help="Its keys: what it gives at /certs.")
]
