"""The plugin as pytest runs it: what it gives, and how a failure reads."""

import pytest

pytest_plugins = ["pytester"]

APP = """
from ccfpy.app import App, Context

app = App("tiny")

@app.get("/who", auth=["user_cert"])
def who(ctx: Context) -> str:
    "Say who asks."
    return ctx.caller.user_id
"""


@pytest.fixture
def tests(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(tiny_plugin_app=APP)
    return pytester


def test_a_test_gets_a_service_of_the_marked_app(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        pytestmark = pytest.mark.ccf(app="tiny_plugin_app.py", users=1)

        def test_alone(ccf_user, ccf_anybody):
            assert ccf_user.get("/app/who").json() == ccf_user.id
            assert ccf_anybody.get("/app/who").status == 401

        @pytest.mark.ccf(users=3, members=2)
        def test_the_nearest_marker_has_the_word(ccf_service, ccf_member):
            assert len(ccf_service.users) == 3
            assert ccf_member is ccf_service.members[0]

        def test_services_are_each_tests_own(ccf_service, ccf_open):
            assert len(ccf_service.users) == 1
            assert len(ccf_open(users=2).users) == 2
    """)
    tests.runpytest("--strict-markers").assert_outcomes(passed=3)


def test_the_ini_file_names_an_app_for_all(tests: pytest.Pytester) -> None:
    tests.makeini("[pytest]\nccf_app = tiny_plugin_app.py\nccf_constitution = veto")
    folder = tests.mkdir("below")
    (folder / "test_below.py").write_text(
        "def test_it(ccf_user):\n    assert ccf_user.get('/app/who').status == 200\n"
    )
    tests.runpytest().assert_outcomes(passed=1)


def test_a_failure_reads_well(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        @pytest.mark.ccf(app="tiny_plugin_app.py")
        def test_it(ccf_anybody):
            assert ccf_anybody.get("/app/who").status == 200
    """)
    result = tests.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*where 401 = <GET /app/who as anybody: 401 InvalidAuthenticationInfo: *"]
    )


def test_without_an_app_it_is_said_how_to_name_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(ccf_service):\n    pass\n")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.ccf(app=...)*ccf_app*"])


def test_it_loads_nothing_before_a_service_is_asked_for(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            loaded = [name for name in sys.modules if name.startswith("ccfpy")]
            assert sorted(loaded) == ["ccfpy", "ccfpy.testing", "ccfpy.testing.plugin"]
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
