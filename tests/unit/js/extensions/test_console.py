"""``console``: what is logged, at which level."""

from ccfpy.base.limits import JS_LOG_CHARS_MAX, JS_LOG_LINES_MAX
from ccfpy.js.extensions.console import ConsoleExtension, ConsoleLevel
from tests.unit.js.conftest import Evaluate


def test_each_method_has_its_level(evaluate: Evaluate) -> None:
    lines: list[tuple[ConsoleLevel, str]] = []
    body = "console.log('a'); console.info('b'); console.warn('c'); console.error('d')"
    evaluate(body, [ConsoleExtension(lambda level, text: lines.append((level, text)))])
    assert lines == [
        (ConsoleLevel.INFO, "a"),
        (ConsoleLevel.INFO, "b"),
        (ConsoleLevel.FAIL, "c"),
        (ConsoleLevel.FATAL, "d"),
    ]


def test_arguments_are_joined_and_objects_are_json(evaluate: Evaluate) -> None:
    lines: list[str] = []
    body = "console.log(1, 'x', {a: [null]}, undefined, null, new Error('hm'), () => 1)"
    evaluate(body, [ConsoleExtension(lambda _level, text: lines.append(text))])
    assert lines == ['1 x {"a":[null]} undefined null Error: hm undefined']


def test_a_call_logs_so_many_lines_and_then_no_more(evaluate: Evaluate) -> None:
    lines: list[str] = []
    body = "for (let i = 0; i < 5000; i++) console.log(i)"
    evaluate(body, [ConsoleExtension(lambda _level, text: lines.append(text))])
    assert len(lines) == JS_LOG_LINES_MAX
    assert lines[0] == "0"
    assert lines[-1] == f"{JS_LOG_LINES_MAX - 1}... (nothing more is logged)"


def test_a_call_logs_so_much_text_and_then_no_more(evaluate: Evaluate) -> None:
    lines: list[str] = []
    body = f"const t = 'x'.repeat({JS_LOG_CHARS_MAX // 2}); console.log(t)"
    body += "; console.log(t + t); console.log('never')"
    evaluate(body, [ConsoleExtension(lambda _level, text: lines.append(text))])
    assert [len(line) for line in lines] == [
        JS_LOG_CHARS_MAX // 2,
        JS_LOG_CHARS_MAX // 2 + len("... (nothing more is logged)"),
    ]
