"""Which actions a service's constitution defines, and which arguments each takes."""

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.base.json import Json, loads
from ccfpy.client.review.characters import inline
from ccfpy.client.review.dry_run import AbsentNode
from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.gov.proposals import read_constitution
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.js.extension import own_source
from ccfpy.service.tables.service import INFO

if TYPE_CHECKING:
    from ccfpy.client.review.public_state import PublicState

FUNCTION = "definitions"
EXAMPLES: tuple[Json, ...] = (
    *("0" * digits for digits in (64, 16, 8)),
    1,
    True,
    {"metadata": {"endpoints": {}}, "modules": [], "keys": []},
    [],
)
"""Values that checks take: ids, versions and kinds of processors in hex, an app."""
_FOUND = re.compile(r" but is \w+$")
"""The end of CCF's words about a type, which names what was given."""


class NoDefinitions(CcfpyError):
    """The constitution does not say which actions there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of an action.

    Attributes:
        wanted: what the constitution says when it refuses a value; empty if it takes
            any.
    """

    name: str
    is_required: bool
    wanted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An action that members may propose."""

    name: str
    arguments: tuple[Argument, ...]


def definitions(state: "PublicState") -> list[Definition]:
    """Ask a service's constitution for its actions, by running it on this machine.

    An argument may be missing if the constitution does not check it, or looks at it
    only when another has a certain value.

    Raises:
        NoDefinitions: the constitution keeps no map ``actions`` as CCF's do.
        ApiError: the service has no constitution.
    """
    tx = state.store.begin(read_only=True)
    constitution = read_constitution(tx, otherwise="the service has no constitution")
    program = Program(
        name=constitution.name, source=f"{constitution.source}\n{own_source(__name__)}"
    )
    evaluator = Evaluator.of(AbsentNode(), tx, time.time_ns() // 1000)
    info = INFO.of(tx).get()
    examples = [*EXAMPLES, *([] if info is None else [info.cert])]
    try:
        told = evaluator.evaluate(program, FUNCTION, [examples])
    except (EvaluationFailed, JsModuleFailed) as error:
        raise NoDefinitions(
            f"the constitution does not say which actions it knows: {error}"
        ) from error
    return [_definition(each) for each in _objects(loads(told or "[]"))]


def _definition(told: dict[str, Json]) -> Definition:
    return Definition(
        name=inline(str(told.get("name"))),
        arguments=tuple(
            Argument(
                name=inline(str(each.get("name"))),
                is_required=each.get("required") is True,
                wanted=_wanted(str(each.get("name")), str(each.get("wanted"))),
            )
            for each in _objects(told.get("arguments"))
        ),
    )


def _objects(value: Json) -> list[dict[str, Json]]:
    found = value if isinstance(value, list) else []
    return [each for each in found if isinstance(each, dict)]


def _wanted(name: str, refusal: str) -> str:
    """Shorten ``cert must be of type string but is function`` to what is wanted."""
    words = _FOUND.sub("", refusal).removeprefix(f"{name} must ")
    return inline(words.removeprefix("be of type ").removeprefix("be "))
