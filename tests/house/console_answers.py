"""``python -m tests.house.console_answers``: declare what the console's page gets.

The page declares the records of ``ccfpy/console/*answers.py`` in TypeScript. They are
made from the classes, so that page and server cannot differ.
"""

import inspect
import types
import typing
from enum import StrEnum
from pathlib import Path

from ccfpy.audit import inspection_report
from ccfpy.audit.auditor import Damage
from ccfpy.audit.ledger_index import Coverage
from ccfpy.client import receipts
from ccfpy.client.review import description
from ccfpy.console import answers, ledger_answers
from ccfpy.ledger.receipt import ReceiptStep
from tests.house.tree import ROOT

PAGE = ROOT / "console" / "src" / "answers.ts"
HEAD = "// Made of ccfpy/console/*answers.py by `make reference`; a test compares.\n"
NAMES = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def made() -> str:
    """Return the declarations, in the order of the classes."""
    described = (
        description.Topic,
        description.Change,
        description.Quote,
        description.Fact,
        description.Diff,
        description.Section,
        Damage,
        Coverage,
        ReceiptStep,
        receipts.Holds,
        receipts.ExplainedStep,
        inspection_report.ReportLine,
        inspection_report.MemberLine,
        inspection_report.ServiceReport,
        inspection_report.InspectionReport,
    )
    own = [
        each
        for module in (answers, ledger_answers)
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__
    ]
    return HEAD + "".join(map(_declaration, (*described, *own)))


def _declaration(record: type) -> str:
    if issubclass(record, StrEnum):
        words = " | ".join(f'"{word}"' for word in record)
        return f"\nexport type {record.__name__} = {words};\n"
    fields = "".join(
        f"  readonly {name}: {_type(hint)};\n"
        for name, hint in typing.get_type_hints(record).items()
    )
    return f"\nexport interface {record.__name__} {{\n{fields}}}\n"


def _type(hint: typing.Any) -> str:  # noqa: ANN401  # what annotations may be
    if typing.get_origin(hint) is tuple:
        item, _ = typing.get_args(hint)
        return f"readonly {_type(item)}[]"
    if isinstance(hint, types.UnionType):
        return " | ".join(map(_type, typing.get_args(hint)))
    return NAMES.get(hint) or str(hint.__name__)


def main() -> None:
    """Write the file."""
    Path(PAGE).write_text(made())


if __name__ == "__main__":
    main()
