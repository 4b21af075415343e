"""CCF's programs are started without the option that they do not have."""

from tests.lab.moving.cpp_node import command


def test_the_app_is_left_out_and_the_rest_is_kept() -> None:
    given = ["/build/logging", "--app", "logging", "--config", "c", "--log-level", "x"]
    assert command(given) == ["/build/logging", "--config", "c", "--log-level", "x"]
