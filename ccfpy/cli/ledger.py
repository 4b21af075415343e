"""``ccfpy ledger``: ledger files read, verified, repaired, split, without nodes."""

from ccfpy.cli.entries import Command, Entry, Table


def _verify() -> Command:
    from ccfpy.cli.ledger_verify import verify

    return verify


def _check() -> Command:
    from ccfpy.cli.ledger_check import check

    return check


def _repair() -> Command:
    from ccfpy.cli.ledger_check import repair

    return repair


def _history() -> Command:
    from ccfpy.cli.ledger_history import history

    return history


def _show() -> Command:
    from ccfpy.cli.ledger_show import show

    return show


def _decrypt() -> Command:
    from ccfpy.cli.ledger_show import decrypt

    return decrypt


def _export() -> Command:
    from ccfpy.cli.ledger_export import export

    return export


def _split() -> Command:
    from ccfpy.cli.ledger_export import split

    return split


ledger: Table = {
    "verify": Entry(
        "Verify a ledger from its first transaction to its last signature.", _verify
    ),
    "check": Entry(
        "Check which files of a ledger verify, and say what `repair` would do.", _check
    ),
    "repair": Entry(
        "Cut a ledger back to the last signature that verifies, and no further.",
        _repair,
    ),
    "history": Entry(
        "Show who proposed, who voted what, and what became of each proposal.", _history
    ),
    "show": Entry(
        "Show what transactions wrote to public tables; nothing is verified.", _show
    ),
    "decrypt": Entry("Show what transactions wrote to private tables.", _decrypt),
    "export": Entry(
        "Write public tables to SQLite or Parquet; nothing is verified.", _export
    ),
    "split": Entry("Split a ledger file in two, by default after a signature.", _split),
}
