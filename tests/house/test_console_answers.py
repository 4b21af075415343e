"""The page of the console declares what the console's server answers."""

from tests.house.console_answers import PAGE, made


def test_the_page_declares_what_the_server_answers() -> None:
    assert PAGE.read_text() == made(), "run make reference"
