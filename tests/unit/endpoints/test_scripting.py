"""How a script that an application ran may fail."""

from ccfpy.endpoints.scripting import ScriptFailed


def test_a_failure_says_why_and_whether_the_module_is_at_fault() -> None:
    failure = ScriptFailed("no export", trace=None, has_begun=False)
    assert (str(failure), failure.trace, failure.has_begun) == (
        "no export",
        None,
        False,
    )
