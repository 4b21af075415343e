"""All that the trusted process gives up, and what is said where that is less."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from ccfpy.boundary.effects import LogLevel
from ccfpy.enclave.isolation.confinement import LATE, Isolation, preload
from tests.unit.enclave.isolation.processes import ROOT, told

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux has these")

AT_ONCE = """
import resource, signal
from ccfpy.enclave.isolation import isolate
isolate(parent=os.getppid())
status = open("/proc/self/status").read()
ignored = int(status.partition("SigIgn:")[2].split()[0], 16)
say(resource.getrlimit(resource.RLIMIT_CORE))
say([bool(ignored >> number - 1 & 1) for number in (signal.SIGINT, signal.SIGHUP)])
import ctypes
say(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""

CONFINE = "from ccfpy.enclave.isolation import confine\n"
LAYERS = ("no_new_privs", "Landlock", "no capabilities", "rlimits", "seccomp")


@on_linux
def test_an_isolated_process_leaves_no_core_and_cannot_be_attached_to() -> None:
    assert told(AT_ONCE) == ["(0, 0)", "[True, True]", "0"]


@on_linux
def test_a_process_whose_parent_is_already_gone_ends() -> None:
    code = "from ccfpy.enclave.isolation import isolate; isolate(parent=0); say('on')"
    assert told(code) == []


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_the_enclave_refuses_to_run_without_its_assertions(flag: str) -> None:
    result = subprocess.run(
        [sys.executable, flag, "-m", "ccfpy.enclave", "--app", "a", "--channel", "0"],
        check=False,
        capture_output=True,
        cwd=ROOT,
    )
    assert result.returncode != 0


REFUSALS = {
    "a kernel without Landlock": ("landlock_create_ruleset", "ENOSYS", "no Landlock"),
    "Landlock not turned on": ("landlock_create_ruleset", "EOPNOTSUPP", "no Landlock"),
    "a container without it": ("landlock_restrict_self", "EPERM", "no Landlock"),
    "a container without seccomp": ("seccomp", "EPERM", "no seccomp"),
    "a kernel without seccomp": ("seccomp", "ENOSYS", "no seccomp"),
    "capabilities that stay": ("capset", "EPERM", "capabilities"),
    "limits that stay": ("prlimit64", "EPERM", "no rlimits"),
}


@on_linux
@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_had_is_said_and_the_rest_is_there(
    case: tuple[str, str, str],
) -> None:
    call, error, lack = case
    code = f"""
import errno
from ccfpy.enclave.isolation import confine, privileges
from tests.unit.enclave.isolation.older_kernel import take_away
privileges.renounce_new_privileges()
take_away("{call}", errno.{error})
isolation = confine(known=[3])
say(isolation)
for lack in isolation.lacks:
    say(lack)
for layer in isolation.layers:
    say(layer.partition("(")[0])
"""
    line, *rest = told(code)
    assert line.startswith("Isolation is reduced: ")
    assert any(text.startswith(f"{lack}: ") for text in rest)
    (missing,) = (name for name in LAYERS if name not in rest)
    assert lack.removeprefix("no ") in missing


@on_linux
def test_an_ordinary_user_gives_up_as_much_as_root() -> None:
    code = f"""
{CONFINE}
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
say(confine(known=[3]))
say(outcome(lambda: open("/etc/passwd")))
say(outcome(lambda: os.fork()))
"""
    line, opened, forked = told(code)
    assert [name for name in LAYERS if name not in line] == []
    assert opened == forked == "Operation not permitted"


def test_it_can_be_turned_off_and_says_so() -> None:
    code = f"""
{CONFINE}
isolation = confine(known=[3])
open(os.devnull).close()
say(isolation)
say(isolation.log().level)
"""
    line, level = told(code, CCFPY_ENCLAVE_ISOLATION="off")
    assert "reduced: turned off by CCFPY_ENCLAVE_ISOLATION=off" in line
    assert level == "fail"


def test_any_other_word_does_not_turn_it_off() -> None:
    (line,) = told(f"{CONFINE}say(confine(known=[3]))", CCFPY_ENCLAVE_ISOLATION="no")
    assert "turned off" not in line


@on_linux
def test_a_thread_that_runs_already_is_filtered_too() -> None:
    code = f"""
import threading
{CONFINE}
closed, done = threading.Event(), threading.Event()
def wait():
    closed.wait()
    say(outcome(lambda: open("/etc/passwd")))
    done.set()
thread = threading.Thread(target=wait)
thread.start()
confine(known=[3])
closed.set()
done.wait()
"""
    assert told(code) == ["Operation not permitted"]


def test_all_of_it_is_worth_a_line() -> None:
    isolation = Isolation(layers=("no_new_privs", "Landlock(7)"), lacks=())
    assert str(isolation) == "Isolation: no_new_privs, Landlock(7)"
    assert isolation.is_whole
    assert isolation.log().level is LogLevel.INFO
    assert isolation.log().message == str(isolation)


def test_a_lack_is_said_loudly_with_its_reason() -> None:
    isolation = Isolation(layers=("rlimits",), lacks=("no Landlock: why", "no seccomp"))
    assert str(isolation) == (
        "Isolation is reduced: no Landlock: why; no seccomp (there is: rlimits)"
    )
    assert not isolation.is_whole
    assert isolation.log().level is LogLevel.FAIL


def test_nothing_is_called_nothing() -> None:
    isolation = Isolation(layers=(), lacks=("turned off",))
    assert str(isolation) == "Isolation is reduced: turned off (there is: nothing)"


@pytest.mark.parametrize("name", LATE)
def test_it_names_modules_that_there_are(name: str) -> None:
    assert find_spec(name) is not None


def test_all_of_it_is_imported() -> None:
    preload()
    assert [name for name in LATE if name not in sys.modules] == []
