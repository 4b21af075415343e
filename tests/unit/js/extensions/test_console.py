"""``console``: what is logged, at which level."""

from ccfpy.js.extensions.console import Console, ConsoleLevel
from tests.unit.js.conftest import Evaluate


def test_each_method_has_its_level(evaluate: Evaluate) -> None:
    lines: list[tuple[ConsoleLevel, str]] = []
    body = "console.log('a'); console.info('b'); console.warn('c'); console.error('d')"
    evaluate(body, [Console(lambda level, text: lines.append((level, text)))])
    assert lines == [
        (ConsoleLevel.INFO, "a"),
        (ConsoleLevel.INFO, "b"),
        (ConsoleLevel.FAIL, "c"),
        (ConsoleLevel.FATAL, "d"),
    ]


def test_arguments_are_joined_and_objects_are_json(evaluate: Evaluate) -> None:
    lines: list[str] = []
    body = "console.log(1, 'x', {a: [null]}, undefined, null, new Error('hm'), () => 1)"
    evaluate(body, [Console(lambda _level, text: lines.append(text))])
    assert lines == ['1 x {"a":[null]} undefined null Error: hm undefined']
