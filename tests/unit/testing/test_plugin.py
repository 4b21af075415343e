"""The plugin as pytest runs it: what it gives, and how a failure reads."""

from importlib.metadata import entry_points

import pytest

# Loaded before any run: each run forgets what it loaded, and keys outlive no reload.
import ccfpy.testing.apps  # noqa: F401
from ccfpy.client.share import constitution
from ccfpy.js.quickjs.native import Trapped
from tests.unit.js.quickjs.wasm_instances import invoke, started

pytest_plugins = ["pytester"]

APP = """
from ccfpy.app import App, Context

app = App("tiny")

@app.get("/who", auth=["user_cert"])
def who(ctx: Context) -> str:
    "Say who asks."
    return ctx.caller.user_id

@app.get("/defect")
def defect(ctx: Context) -> None:
    "Fail."
    raise KeyError("wrong")
"""


@pytest.fixture(autouse=True)
def _leave_faults_alone(
    pytester: pytest.Pytester,  # noqa: ARG001  # first: it forgets such options
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Turning reports of faults off and on would take the engine's traps out of its
    # hands for the rest of this process, and the next script that goes too deep end it.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:faulthandler")


@pytest.fixture
def tests(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(tiny_plugin_app=APP)
    return pytester


@pytest.mark.slow
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


@pytest.mark.newest
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


def test_a_defect_is_shown_where_it_is(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        @pytest.mark.ccf(app="tiny_plugin_app.py")
        def test_it(ccf_user):
            assert ccf_user.get("/app/defect").status == 200
    """)
    result = tests.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*500 InternalError: The request failed *; logged: Unhandled KeyError *",
            "*Captured log call*",
            "*tiny_plugin_app.py*in defect",
            '*raise KeyError("wrong")',
        ]
    )


def test_scripts_of_a_constitution_may_be_listed(tests: pytest.Pytester) -> None:
    for script in constitution("default"):
        tests.path.joinpath(script.name).write_text(script.read_text())
    tests.makepyfile("""
        import pytest

        SCRIPTS = ["actions.js", "validate.js", "resolve.js", "apply.js"]

        @pytest.mark.ccf(app="tiny_plugin_app.py", constitution=SCRIPTS)
        def test_it(ccf_user):
            assert ccf_user.get("/app/who").status == 200
    """)
    tests.runpytest().assert_outcomes(passed=1)


def test_a_marker_without_names_is_refused(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        @pytest.mark.ccf("tiny_plugin_app.py")
        def test_it(ccf_user):
            pass
    """)
    result = tests.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*arguments of @pytest.mark.ccf have names*"])


def test_pytest_finds_it_where_ccfpy_is_installed() -> None:
    (entry,) = entry_points(group="pytest11", name="ccfpy.testing.plugin")
    assert entry.value == "ccfpy.testing.plugin"


def test_without_an_app_it_is_said_how_to_name_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(ccf_service):\n    pass\n")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.ccf(app=...)*ccf_app*"])


@pytest.mark.slow
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


def test_a_run_within_this_one_leaves_faults_to_whom_they_were(
    pytester: pytest.Pytester,
) -> None:
    """Scripts that go too deep are faults which their engine must see first."""
    machine = started()
    machine.restrict(1 << 30, 1 << 30)
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)
    with pytest.raises(Trapped):
        invoke(machine, "dive_natively")


@pytest.mark.slow
def test_a_test_gets_a_service_on_a_machine(tests: pytest.Pytester) -> None:
    tests.makepyfile("""
        import pytest

        pytestmark = pytest.mark.ccf(app="tiny_plugin_app.py")

        def test_attested(ccf_attested):
            assert ccf_attested.policy.unique_ids
            assert ccf_attested.user().get("/app/who").status == 200
        """)
    tests.runpytest().assert_outcomes(passed=1)
