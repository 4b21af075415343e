"""``ccf.gov.validateConstitution``."""

import pytest

from ccfpy.base.limits import JS_CONSTITUTION_CHARS_MAX
from ccfpy.js.engine import JsException, JsLimits
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.quickjs import QuickJs
from tests.unit.js.conftest import Evaluate

VALIDATE = "export function validate(input) {}"
RESOLVE = "export function resolve(proposal, proposerId, votes) {}"
APPLY = "export function apply(proposal, proposerId) {}"


def check(evaluate: Evaluate, engine: QuickJs, constitution: object) -> object:
    body = "return ccf.gov.validateConstitution(args[0])"
    return evaluate(body, [GovExtension(engine, JsLimits())], constitution)


@pytest.mark.parametrize(
    "resolve", [RESOLVE, RESOLVE.replace("votes", "votes, proposalId")]
)
def test_a_constitution_exports_its_three_functions(
    evaluate: Evaluate, engine: QuickJs, resolve: str
) -> None:
    assert check(evaluate, engine, VALIDATE + resolve + APPLY) is True


@pytest.mark.parametrize(
    ("constitution", "message"),
    [
        ("", "constitution is empty"),
        (1, "constitution is not a string"),
        (["a"], "constitution is not a string"),
        (None, "constitution is not a string"),
        (
            "Not syntactically valid JS",
            (
                "proposed constitution does not export a function named apply: "
                "Failed to compile proposed constitution"
            ),
        ),
        (
            RESOLVE + APPLY,
            (
                "proposed constitution does not export a function named validate: "
                "Failed to find export 'validate' in module 'proposed constitution'"
            ),
        ),
        (VALIDATE + APPLY, "Failed to find export 'resolve'"),
        (VALIDATE + RESOLVE, "Failed to find export 'apply'"),
        (
            VALIDATE + APPLY + "export function resolve(notEnoughArgs) {}",
            (
                "proposed constitution exports function resolve with 1 arg, expected "
                "between 3 and 4 args (proposal, proposerId, votes[, proposalId])"
            ),
        ),
        (
            RESOLVE + APPLY + "export function validate(too, many, args) {}",
            (
                "proposed constitution exports function validate with 3 args, expected "
                "1 arg (input)"
            ),
        ),
        (
            VALIDATE + RESOLVE + "export function apply() {}",
            (
                "proposed constitution exports function apply with 0 args, "
                "expected 2 args (proposal, proposerId)"
            ),
        ),
        (
            "/" * (JS_CONSTITUTION_CHARS_MAX + 1),
            "constitution is longer than 1048576 characters",
        ),
        ("throw new Error('hm');" + VALIDATE + RESOLVE + APPLY, "Error: hm"),
        ("for (;;);" + VALIDATE + RESOLVE + APPLY, "Operation took too long"),
    ],
)
def test_other_texts_are_refused_with_the_reason(
    evaluate: Evaluate, engine: QuickJs, constitution: object, message: str
) -> None:
    with pytest.raises(JsException) as caught:
        check(evaluate, engine, constitution)
    assert caught.value.reason.startswith("TypeError: ")
    assert message in caught.value.reason


def test_a_constitution_may_be_long(evaluate: Evaluate, engine: QuickJs) -> None:
    constitution = VALIDATE + RESOLVE + APPLY
    padded = constitution + "/" * (JS_CONSTITUTION_CHARS_MAX - len(constitution))
    assert check(evaluate, engine, padded) is True


def test_a_constitution_may_use_its_world_while_it_is_loaded(
    evaluate: Evaluate, engine: QuickJs
) -> None:
    body = """
        console.info(`evaluated ${ccf.bufToStr(new ArrayBuffer(1))}`);
        for (const row of ccf.kv["public:x"]) throw new Error(row);
        const key = new ccf.Key(ccf.strToBuf("x")).size + 1;
    """
    assert check(evaluate, engine, body + VALIDATE + RESOLVE + APPLY) is True


def test_one_argument_is_expected(evaluate: Evaluate, engine: QuickJs) -> None:
    with pytest.raises(JsException, match="Passed 0 arguments, but expected 1"):
        evaluate("ccf.gov.validateConstitution()", [GovExtension(engine, JsLimits())])
