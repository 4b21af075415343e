"""Interpreters kept between calls."""

from ccfpy.base.limits import JS_INTERPRETERS_KEPT_CEILING
from ccfpy.js.engine import Library, TxAccess
from ccfpy.js.serving.execution import InterpreterCache

RW, RO = TxAccess.APP_RW.value, TxAccess.APP_RO.value


class ScriptContext:
    """Something to keep: what it does plays no part here."""


def no_context() -> ScriptContext:
    raise AssertionError("one is kept")


def test_a_world_is_found_by_its_key_and_access_until_it_is_taken() -> None:
    kept, mine = InterpreterCache[ScriptContext](), ScriptContext()
    kept.put(("a", RW), mine, 10)
    assert kept.take(("a", RO), ScriptContext) is not mine
    assert kept.take(("b", RW), ScriptContext) is not mine
    assert kept.take(("a", RW), no_context) is mine
    assert kept.take(("a", RW), ScriptContext) is not mine


def test_the_one_not_used_for_longest_goes_first() -> None:
    kept, first, second = (
        InterpreterCache[ScriptContext](),
        ScriptContext(),
        ScriptContext(),
    )
    kept.put(("a", RW), first, 2)
    kept.put(("b", RW), second, 2)
    kept.put(("a", RW), kept.take(("a", RW), no_context), 2)
    kept.put(("c", RW), ScriptContext(), 2)
    assert kept.take(("b", RW), ScriptContext) is not second
    assert kept.take(("a", RW), no_context) is first


def test_other_code_or_a_flush_drops_all() -> None:
    kept, library = InterpreterCache[ScriptContext](), Library({})
    kept.freshen(library, 1, 10)
    kept.put(("a", RW), ScriptContext(), 10)
    kept.freshen(library, 1, 10)
    assert len(kept) == 1
    kept.freshen(library, 2, 10)
    assert len(kept) == 0
    kept.put(("a", RW), ScriptContext(), 10)
    kept.freshen(Library({}), 2, 10)
    assert len(kept) == 0


def test_fewer_may_be_kept_from_now_on_and_none_at_all() -> None:
    kept, library = InterpreterCache[ScriptContext](), Library({})
    kept.freshen(library, 1, 10)
    for name in "abc":
        kept.put((name, RW), ScriptContext(), 10)
    kept.freshen(library, 1, 1)
    assert len(kept) == 1
    kept.put(("d", RW), ScriptContext(), 0)
    assert len(kept) == 0


def test_no_option_can_keep_more_than_the_node_can_bear() -> None:
    kept = InterpreterCache[ScriptContext]()
    for number in range(JS_INTERPRETERS_KEPT_CEILING + 1):
        kept.put((str(number), RW), ScriptContext(), 1 << 60)
    assert len(kept) == JS_INTERPRETERS_KEPT_CEILING
