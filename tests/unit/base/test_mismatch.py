from ccfpy.base.mismatch import Mismatch, found


def test_a_mismatch_says_where_it_is() -> None:
    problem = Mismatch("expected text").within("3").within("names")
    assert problem.pointer == "#/names/3"
    assert str(problem) == "At #/names/3: expected text"
    assert str(Mismatch("expected text")) == "At #/: expected text"


def test_a_long_value_is_shown_in_part() -> None:
    assert found("x" * 198) == f'"{"x" * 198}"'
    assert found("x" * 199) == f'"{"x" * 199}...'
