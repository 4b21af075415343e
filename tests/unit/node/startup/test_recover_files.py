"""A host's files are damaged, missing or others': what was signed is back, or nothing.

Every test recovers with the stores that ship, to the end: members hand in their shares,
and every private value is what it was at the last entry that is said to be recovered.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random

import pytest

from ccfpy.boundary.configuration import CurveId
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import PUBLIC_OFFSET, Entry
from ccfpy.node.node import RECOVERY_REFUSED
from ccfpy.testing.node import Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from tests.attacks import attack
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.host_files import Folder
from tests.unit.node.lost_files import Lost, attempt, lose
from tests.unit.node.recovered import read

COMMITTED_SUFFIX = ".committed"
HEADER_BYTES = 8


@pytest.fixture(scope="module")
def lost(members: tuple[Person, ...], alice: Person) -> Lost:
    """A service whose files are all committed, a chunk for each signature."""
    return lose(members, alice)


@pytest.fixture(scope="module")
def other(members: tuple[Person, ...], alice: Person) -> Lost:
    """Another service of the same members, with files of the same names."""
    return lose(members, alice, seed=7)


def in_order(files: Folder) -> list[str]:
    """Return the names of chunks, first to last."""
    return sorted(files, key=lambda name: ChunkName.parse(name).first)


def uncommitted(files: Folder) -> dict[str, bytes]:
    """Return the same files as a node leaves them that does not know them final."""
    return {name.removesuffix(COMMITTED_SUFFIX): data for name, data in files.items()}


def up_to(files: Folder, end: int) -> dict[str, bytes]:
    """Leave what the host says is to be left: files that end by ``end``."""
    return {
        name: data
        for name, data in files.items()
        if (ChunkName.parse(name).last or 0) <= end
    }


def check_damaged(lost: Lost, files: Folder, first_bad: int) -> None:
    """Recover from committed files of which an entry does not hold.

    The host refuses to give up what is committed, and names what would be left. Where
    that is wanted, it is what comes back.
    """
    end = lost.signed_before(first_bad)
    refused = attempt(lost, files)
    if not end:
        assert refused.refusal == "No signature found after recovery"
        stop = refused.node.host.stop
        assert stop is not None
        assert stop.exit_code == RECOVERY_REFUSED
        return
    assert refused.refusal is not None
    assert f"can be recovered to {end} only" in refused.refusal
    assert f"or move the files that end after {end} away" in refused.refusal
    assert refused.host.ledger == files, "nothing is changed by the attempt"
    attempt(lost, up_to(files, end)).check(end)


@pytest.mark.slow
@row(
    Part.LEDGER,
    "a committed file is missing, each in turn",
    "The host names the first seqno that is missing, and starts no service, because "
    "the files after the gap are committed. Without the files after the gap, all "
    "entries before the gap are recovered. If the last file is missing, nobody can "
    "notice, as with an end that is held back.",
)
def test_each_file_missing_in_turn(lost: Lost) -> None:
    *names, last = in_order(lost.files)
    for name in names:
        files = {each: data for each, data in lost.files.items() if each != name}
        first = ChunkName.parse(name).first
        assert f"Cannot find ledger file for seqno {first}" in (
            attempt(lost, files).logged
        )
        check_damaged(lost, files, first)
    files = {each: data for each, data in lost.files.items() if each != last}
    attempt(lost, files).check(lost.signatures[-2])


@pytest.mark.slow
@row(
    Part.LEDGER,
    "a file that was not committed yet is missing, each in turn",
    "All entries up to the last signature before the gap are recovered. The host sets "
    "the files after the gap aside as `.ignored`, and names them.",
)
def test_each_uncommitted_file_missing_in_turn(lost: Lost) -> None:
    files = uncommitted(lost.files)
    _, *names = in_order(files)
    for name, following in pairwise(names):
        left = {each: data for each, data in files.items() if each != name}
        tried = attempt(lost, left)
        assert f"Ignoring ledger file {following}" in tried.logged
        assert tried.host.ledger[f"{following}.ignored"] == files[following]
        tried.check(lost.signed_before(ChunkName.parse(name).first))


@row(
    Part.LEDGER,
    "a file is cut short: in its header, in an entry, between two entries, in its "
    "positions",
    "The result is the same as if the incomplete entries were missing.",
)
@pytest.mark.parametrize("at", ["header", "entry", "between", "positions"])
def test_a_truncated_file(lost: Lost, at: str) -> None:
    name = next(
        each for each in in_order(lost.files) if len(_ends(lost.files, each)) > 2
    )
    ends = _ends(lost.files, name)
    size = {
        "header": HEADER_BYTES - 1,
        "entry": ends[1] - 1,
        "between": ends[1],
        "positions": len(lost.files[name]) - 1,
    }[at]
    cut = lost.files | {name: lost.files[name][:size]}
    first = ChunkName.parse(name).first
    refused = attempt(lost, cut)
    if refused.refusal is None:
        # Positions are rebuilt: the entries are whole.
        assert at == "positions"
        refused.check(lost.signatures[-1])
        return
    check_damaged(lost, cut, first)


def entries_of(files: Folder, name: str) -> Sequence[bytes]:
    """Read a whole file."""
    chunk = Chunk.parse(ChunkName.parse(name), files[name])
    edges = [*chunk.positions, chunk.end]
    return [chunk.data[begin:end] for begin, end in pairwise(edges)]


def _ends(files: Folder, name: str) -> list[int]:
    """Return where the entries of a file end."""
    position, ends = HEADER_BYTES, []
    for data in entries_of(files, name):
        position += len(data)
        ends.append(position)
    return ends


def regions(files: Folder, name: str) -> Iterator[tuple[str, int]]:
    """Name each kind of byte in a file, with the place of one; entries' are its second.

    The last entry of a file here is a signature.
    """
    ends = _ends(files, name)
    yield "the place of the positions", 1
    for which, index in (("an entry", 0), ("a signature", len(ends) - 1)):
        begin = ends[index - 1] if index else HEADER_BYTES
        entry = Entry.parse(entries_of(files, name)[index])
        yield f"the version of {which}", begin
        yield f"the flags of {which}", begin + 1
        yield f"the size of {which}", begin + 2
        yield f"the tag of {which}", begin + 8
        yield f"the seqno of {which}", begin + 24
        yield f"the view of {which}", begin + 32
        yield f"the size of the public part of {which}", begin + 36
        yield f"the beginning of the public part of {which}", begin + PUBLIC_OFFSET
        end = begin + PUBLIC_OFFSET + len(entry.public)
        yield f"the end of the public part of {which}", end - 1
        if len(entry.data) > PUBLIC_OFFSET + len(entry.public):
            yield f"the private part of {which}", end
            yield f"the end of the private part of {which}", ends[index] - 1
    yield "the positions", ends[-1]


@pytest.mark.slow
@attack("ledger: a changed byte")
@row(
    Part.LEDGER,
    "a byte is changed in each region of a committed file: the place of its "
    "positions, version, flags, size, tag, seqno, view, public and private part of an "
    "entry and of a signature, the positions",
    "The host starts no service, and names the entries that would remain: all up to "
    "the last signature before the file. Without this file and the files after it, "
    "these entries are recovered.",
)
def test_a_byte_changed_in_every_region(lost: Lost) -> None:
    name = in_order(lost.files)[-2]
    first = ChunkName.parse(name).first
    files, seen = lost.files, 0
    for region, at in regions(lost.files, name):
        data = bytearray(lost.files[name])
        data[at] ^= 0x04
        files = lost.files | {name: bytes(data)}
        refused = attempt(lost, files)
        assert refused.refusal is not None, region
        end = lost.signed_before(first)
        if region == "the tag of a signature":
            # Only the signature after it is over this byte.
            end = first + 1
        assert f"recovered to {end} only" in refused.refusal, region
        seen += 1
    assert seen > 20
    check_damaged(lost, files, first)


@pytest.mark.newest
@row(
    Part.LEDGER,
    "the last signature is changed in a part that only the next signature would "
    "cover: its tag, or the tree that is stored with it",
    "All public state is recovered, and members' shares open the ledger secrets. The "
    "node stops when it reads the private state, and names the entry. Without this "
    "file, all entries before the file are recovered.",
)
@pytest.mark.parametrize("where", ["tag", "tree"])
def test_the_last_signature_around_what_it_signs(lost: Lost, where: str) -> None:
    *_, before, name = in_order(lost.files)
    places = dict(regions(lost.files, name))
    data = bytearray(lost.files[name])
    beyond = {
        "tag": places["the tag of a signature"],
        "tree": places["the end of the public part of a signature"] - 20,
    }
    data[beyond[where]] ^= 0x04
    tried = attempt(lost, lost.files | {name: bytes(data)})
    last = lost.signatures[-1]
    assert f"last signed TxID: 2.{last};" in tried.logged
    tried.hand_in()
    assert tried.refusal == (
        f"Failed to deserialise private ledger entry {last}: AES-GCM tag does not match"
    )
    end = ChunkName.parse(before).last
    assert end is not None
    attempt(lost, up_to(lost.files, end)).check(end)


@row(
    Part.LEDGER,
    "any byte of any file that is not committed is changed (random places)",
    "All entries up to some signature before the change are recovered, and the node "
    "names this signature. Every recovered entry was signed.",
)
@pytest.mark.parametrize("seed", range(40))
def test_any_byte_of_any_file(lost: Lost, seed: int) -> None:
    files = uncommitted(lost.files)
    names = in_order(files)
    dice = Random(seed)
    place = dice.randrange(sum(len(files[name]) for name in names))
    flip = dice.randrange(1, 256)
    for name in names:
        if place < len(files[name]):
            break
        place -= len(files[name])
    data = bytearray(files[name])
    data[place] ^= flip
    tried = attempt(lost, files | {name: bytes(data)})
    first = ChunkName.parse(name).first
    if tried.refusal is not None:
        assert first == 1
        return
    recovered_to = tried.end
    assert recovered_to in lost.signatures
    assert recovered_to >= lost.signed_before(first)
    *found, last = tried.host.entries()[:recovered_to]
    *expected, signature = lost.entries[:recovered_to]
    assert found == expected
    if last != signature and recovered_to >= lost.governed:
        # What is around the last signature, only the next one would sign.
        tried.hand_in()
        assert f"private ledger entry {recovered_to}: AES-GCM" in str(tried.refusal)


@pytest.mark.newest
@attack("ledger: a file in place of another")
@row(
    Part.LEDGER,
    "two files have each other's names",
    "The result is the same as if both files were missing.",
)
def test_files_under_each_others_names(lost: Lost) -> None:
    *_, one, two = (
        name
        for name in in_order(lost.files)
        if ChunkName.parse(name).last == ChunkName.parse(name).first + 1
    )
    swapped = lost.files | {one: lost.files[two], two: lost.files[one]}
    check_damaged(lost, swapped, ChunkName.parse(one).first)


@row(
    Part.LEDGER,
    "a file exists twice, as committed and as uncommitted",
    "Nothing is lost. The host sets the uncommitted file aside.",
)
def test_a_file_that_is_there_twice(lost: Lost) -> None:
    name = in_order(lost.files)[3]
    files = lost.files | {name.removesuffix(COMMITTED_SUFFIX): lost.files[name]}
    attempt(lost, files).check(lost.signatures[-1])


@pytest.mark.slow
@attack("ledger: an end that is held back")
@row(
    Part.LEDGER,
    "the end of the ledger is held back: every file after one, each in turn",
    "All entries of the remaining files are recovered. Nobody could see in this "
    "ledger alone that it had more entries. The node says at which seqno the ledger "
    "ends, so that operators can compare this seqno with other nodes'.",
)
def test_an_end_that_is_held_back(lost: Lost) -> None:
    for end in lost.signatures[3:-1]:
        attempt(lost, up_to(lost.files, end)).check(end)


@row(
    Part.LEDGER,
    "entries follow the last signature",
    "These entries are lost, because nobody signed them. The node names the last "
    "signature.",
)
def test_an_unsigned_suffix(lost: Lost) -> None:
    files = uncommitted(lost.files)
    name = in_order(files)[-1]
    end = _ends(files, name)[0]
    # As the writer was killed: no positions, and no end in the name.
    begun = ChunkName(first=ChunkName.parse(name).first)
    files[str(begun)] = bytes(HEADER_BYTES) + files.pop(name)[HEADER_BYTES:end]
    tried = attempt(lost, files)
    assert "Recovered ledger entries up to 31" in tried.logged
    tried.check(lost.signatures[-2])


@row(
    Part.LEDGER,
    "the file being written was torn in the middle of an entry",
    "The host cuts the torn entry off, and says so. All entries up to the last "
    "signature are recovered.",
)
def test_a_torn_end(lost: Lost) -> None:
    files = uncommitted(lost.files)
    name = in_order(files)[-1]
    begun = ChunkName(first=ChunkName.parse(name).first)
    end = _ends(files, name)[-1] - 5
    files[str(begun)] = bytes(HEADER_BYTES) + files.pop(name)[HEADER_BYTES:end]
    attempt(lost, files).check(lost.signatures[-2])


@attack("ledger: another service's file among ours")
@row(
    Part.LEDGER,
    "one file is another service's",
    "The result is the same as if the file were missing.",
)
def test_a_file_of_another_service(lost: Lost, other: Lost) -> None:
    for name in in_order(lost.files)[1:-1]:
        if name in other.files:
            mixed = lost.files | {name: other.files[name]}
            check_damaged(lost, mixed, ChunkName.parse(name).first)
            return
    raise AssertionError("the two services have no file of one name")


@attack("ledger: another service's ledger in a recovery")
@row(
    Part.IDENTITY,
    "the whole ledger is another service's",
    "The node reads the other service's public state, but members cannot open the "
    "service: their proposal names the service that they lost. The proposal is "
    "refused, and the reason shows both certificates.",
)
def test_the_ledger_of_another_service(lost: Lost, other: Lost) -> None:
    tried = attempt(lost, other.files)

    asked = ask_for_shares(tried.node)
    assert asked.status == 500
    assert b"Previous service identity does not match" in asked.body
    assert lost.identity.split("\n")[1].encode() in asked.body
    assert other.identity.split("\n")[1].encode() in asked.body


@attack("ledger: another previous identity")
@row(
    Part.IDENTITY,
    "the node's configuration has the certificate of another service",
    "Members cannot open the service. The service in the ledger counts, not the "
    "service in the configuration.",
)
def test_a_node_that_is_told_of_another_service(lost: Lost, other: Lost) -> None:

    tried = attempt(lost, lost.files, identity=other.identity)
    asked = ask_for_shares(tried.node)
    assert asked.status == 500
    assert b"Previous service identity does not match" in asked.body


@row(
    Part.COURSE,
    "operators abandon the attempt, and begin again from the files that it left",
    "The host sets aside the files of the first attempt, which end in `.recovery`. "
    "All state is recovered.",
)
def test_an_attempt_that_is_given_up(lost: Lost) -> None:
    first = attempt(lost, lost.files)
    first.host.pass_time(first.node, 2000)
    provisional = [name for name in first.host.ledger if ".recovery" in name]
    assert provisional
    again = attempt(lost, first.host.ledger)
    for name in provisional:
        assert f"Ignoring ledger file {name}" in again.logged
        assert again.host.ledger[f"{name}.ignored"] == first.host.ledger[name]
    again.check(lost.signatures[-1])


@row(
    Part.COURSE,
    "operators abandon an attempt after members have voted, or after one member has "
    "submitted a share",
    "The host sets aside the files of the attempt. Members vote and submit shares "
    "again.",
)
@pytest.mark.parametrize("shares", [0, 1])
def test_an_attempt_that_is_given_up_later(lost: Lost, shares: int) -> None:

    first = attempt(lost, lost.files)
    assert ask_for_shares(first.node).status == 200
    for member in lost.members[:shares]:
        assert submit_share(first.node, member).status == 200
    first.host.pass_time(first.node, 1000)
    attempt(lost, first.host.ledger).check(lost.signatures[-1])


@row(
    Part.COURSE,
    "the recovering node's key is on another curve than the key of the lost service",
    "All state is recovered: each signature is verified by the key of its time.",
)
@pytest.mark.parametrize("curve", CurveId)
def test_another_curve(lost: Lost, curve: CurveId) -> None:
    tried = attempt(lost, lost.files, curve=curve)
    tried.check(lost.signatures[-1])


@pytest.mark.slow
@row(
    Part.COURSE,
    "three recoveries in a row; each recovered service but the last is lost after it "
    "has opened",
    "All state is recovered. Members must name the identity of the service before.",
)
def test_three_in_a_row(lost: Lost) -> None:
    identities = [lost.identity]
    files: Folder = lost.files
    for seed in (2, 3, 4):
        tried = attempt(lost, files, identity=identities[-1], seed=seed)
        for old in identities[:-1]:
            asked = ask_for_shares(tried.node, previous_identity=old)
            assert b"Previous service identity does not match" in asked.body
        tried.bring_back()
        tried.host.pass_time(tried.node, 1000)
        for name in lost.written:
            assert read(tried.node, name) == f"secret {name.removeprefix('a')}"
        files = tried.host.ledger
        identities.append(tried.node.service_certificate)
    assert len(set(identities)) == 4


@pytest.mark.slow
@attack("ledger: a forked suffix in a recovery")
@row(
    Part.LEDGER,
    "files of another branch of the same service follow: the same keys signed both",
    "All entries up to the last signature before the fork are recovered.",
)
def test_a_forked_suffix(
    lost: Lost, members: tuple[Person, ...], alice: Person
) -> None:
    """The same nodes lived twice from one moment on; what they drew then differed."""
    branch = lose(members, alice)
    assert branch.identity == lost.identity
    assert in_order(branch.files) == in_order(lost.files)
    fork = next(
        at
        for at, name in enumerate(in_order(lost.files))
        if branch.files[name] != lost.files[name]
    )
    names = in_order(lost.files)
    for begin in {fork + 1, (fork + len(names)) // 2, len(names) - 1}:
        spliced = lost.files | {name: branch.files[name] for name in names[begin:]}
        check_damaged(lost, spliced, ChunkName.parse(names[begin]).first)
