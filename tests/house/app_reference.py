"""The page of the public face: every exported name with what its code says of it."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from ccfpy import app
from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.context import NodeView
from ccfpy.kv.maps import SetHandle, TypedHandle, ValueHandle
from ccfpy.testing.node import Client, InProcessNode, Person
from tests.house.app_mistakes import MISTAKES

GROUPS: dict[str, tuple[str, ...]] = {
    "Endpoints": (
        "App",
        "Options",
        "Mode",
        "Forwarding",
        "Redirection",
        "Context",
        "CommitHandler",
        "JobContext",
        "EndpointCounts",
        "Request",
        "Response",
        "ApiError",
        "ErrorCode",
        "Provided",
        "Malformed",
        "Misdeclared",
    ),
    "Streams": (
        *("Stream", "StreamOptions", "ProtocolOptions"),
        *("GrpcMessages", "grpc_message"),
    ),
    "Tables": (
        *("Map", "Value", "Set", "Codec", "RAW", "STRING", "json_codec"),
        *("ORDERED_U64", "ORDERED_I64", "ordered_tuple", "Tx"),
    ),
    "Answers": (
        "Answer",
        "json_reply",
        "text_reply",
        "bytes_reply",
        "empty_reply",
        "Matcher",
        "AcceptField",
        "parse_accept",
        "preferred_kind",
    ),
    "The past": (
        "HistoricalState",
        "History",
        "HistoryFailed",
        "RequestHandle",
        "TxReceipt",
        "not_yet",
        "attach_to_cose",
        "encode_cbor",
        "decode_cbor",
        "CborTag",
    ),
    "Indexes": (
        "Index",
        "Indexing",
        "Strategy",
        "WriteSet",
        "Writes",
        "SeqnosByKey",
        "SeqnosByKeyBucketed",
        "VisitEachEntryInMap",
        "Lazy",
        "Blobs",
        "BlobSeries",
    ),
    "Types": (
        "U64",
        "IntegerRange",
        "TextFormat",
        "closed",
        "JSON_NAME",
        "Json",
        "JsonObject",
        "parse_json",
        "TxId",
        "TxStatus",
        "Seqno",
        "View",
        "MemberId",
        "NodeId",
        "UserId",
    ),
    "Who may call": (
        "Auth",
        "AuthPolicy",
        "Identity",
        "all_of",
        "AllOf",
        "custom_policy",
        "RequestCredentials",
        "CustomAuth",
        "Unauthenticated",
        "UserCoseSign1",
        "TypedUserCoseSign1",
    ),
    "Who calls": (
        "Nobody",
        "UserCertCaller",
        "MemberCertCaller",
        "AnyCertCaller",
        "UserCoseSign1Caller",
        "MemberCoseSign1Caller",
        "JwtCaller",
        "CallerOfAll",
        "AppCaller",
    ),
    "Endpoints in JavaScript": (
        "Scripts",
        "ScriptTables",
        "GOVERNED",
        "Permission",
        "CurrentRequest",
        "Extension",
        "ExtensionFunction",
        "install_bundle",
        "installed_bundle",
        "installed_module",
        "runtime_options",
        "patch_runtime_options",
        "ActionLog",
        "ActionFormat",
        "Scripting",
        "ScriptFailed",
    ),
    "What the service knows": (
        "user_certificate",
        "user_data",
        "member_certificate",
        "member_data",
        "node_info",
        "node_quote",
        "trusted_node_quotes",
        "Attestation",
        "app_report_data",
        "verify_snp_report",
        "SnpReport",
        "tcb_policy_of",
        "verify_uvm_endorsements",
        "UvmEndorsement",
        "Certificate",
        "sha256",
        "sha256_hex",
    ),
    "Sealed to the service": (
        "HpkeKey",
        "OpenedRequest",
        "key_binding",
        "open_blob",
        "seal_blob",
        "VerificationFailed",
    ),
}
"""Every name of ``ccfpy.app``, each in one group."""

WORDS = {
    "RAW": "Bytes as they are.",
    "STRING": "Text as UTF-8, ordered by code points.",
    "ORDERED_U64": "An integer from 0 to 2**64 - 1, ordered.",
    "ORDERED_I64": "An integer from -2**63 to 2**63 - 1, ordered.",
    "JSON_NAME": "In a field's metadata: its name in JSON, where that differs.",
    "Matcher": "The condition of an `If-Match` or `If-None-Match` header.",
    "GOVERNED": "The tables that governance's `set_js_app` writes.",
    "ExtensionFunction": "What an extension's JavaScript calls.",
    "U64": "An integer from 0 to 2⁶⁴ - 1.",
    "Json": "Any JSON value.",
    "JsonObject": "A JSON object.",
    "Seqno": "A transaction's place in the ledger.",
    "View": "A period with one primary.",
    "MemberId": "The hex digest of a member's certificate.",
    "NodeId": "The hex digest of a node's public key.",
    "UserId": "The hex digest of a user's certificate.",
    "Answer": "A response, or the place where it will be put later.",
    "RequestHandle": "Anything that can be a key of a dict.",
    "Writes": "Of one table, in bytes: each key's new value, `None` if it was removed.",
    "WriteSet": "`Writes` by table.",
    "CommitHandler": "Makes the answer of a caller that waits for commit.",
    "CborTag": "A tag of CBOR and what it is on: `tag`, `value`.",
    "Auth": "A policy, or the name of one that needs no parameters.",
}
"""What values and aliases mean: they cannot carry a docstring."""

DETAILS: dict[str, tuple[type, ...]] = {
    "Members of `App`": (app.App,),
    "Members of `Context`": (app.Context,),
    "The node: `ctx.node`": (NodeView,),
    "What a policy judges by: `RequestCredentials`": (app.RequestCredentials,),
    "The past: `ctx.node.history` and what it gives": (
        app.History,
        app.HistoricalState,
    ),
    "JavaScript: `ctx.node.scripts`": (app.Scripting,),
    "Tables in a transaction: what `of(ctx.tx)` gives": (
        TypedHandle,
        ValueHandle,
        SetHandle,
    ),
    "The test kit: `ccfpy.testing.node`": (InProcessNode, Client, Person),
}

INTERNAL: dict[type, tuple[str, ...]] = {
    NodeView: (
        "answers_at_commit",
        "attest",
        "begin",
        "commit",
        "commit_waits",
        "created_at_latest_s",
        "forward",
        "takes_writes",
    )
}
"""Members that are there for ccfpy, and not for applications."""

_ABOUT_MISTAKES = """\
An app whose declaration is wrong does not load. The refusal names the file and the line
of the declaration, and then says:"""

_ATTRIBUTE = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)\n", re.MULTILINE)


def _said_of(thing: object) -> str:
    return _tidy((inspect.getdoc(thing) or "").partition("\n\n")[0])


def _tidy(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _call(name: str, function: Any) -> str:  # noqa: ANN401  # any callable
    plain = getattr(function, "__func__", function)
    names = [
        f"{'**' if parameter.kind is parameter.VAR_KEYWORD else ''}"
        f"{'*' if parameter.kind is parameter.VAR_POSITIONAL else ''}{parameter.name}"
        for parameter in inspect.signature(plain).parameters.values()
    ]
    return f"{name}({', '.join(names[1:])})"


def _attributes(kind: type) -> Iterator[str]:
    """Return what the class's documentation says of its attributes."""
    section = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")[2]
    for name, text in _ATTRIBUTE.findall(section.partition("\n\n")[0] + "\n"):
        yield f"| `{name}` | {_tidy(text)} |"


def _members(kind: type) -> Iterator[str]:
    yield from _attributes(kind)
    for name, member in vars(kind).items():
        if name.startswith("_") or name in INTERNAL.get(kind, ()):
            continue
        if isinstance(member, property):
            yield f"| `{name}` | {_said_of(member)} |"
        elif callable(member) or isinstance(member, classmethod):
            yield f"| `{_call(name, member)}` | {_said_of(member)} |"


def _mistakes() -> Iterator[str]:
    for code, sentence in MISTAKES:
        lines = [_cell(line) for line in code.splitlines() if line]
        yield f"| {'<br>'.join(lines)} | {sentence.replace('|', chr(92) + '|')} |"


def _cell(line: str) -> str:
    indent = (len(line) - len(line.lstrip())) * "&nbsp;"
    return f"{indent}`{line.strip().replace('|', chr(92) + '|')}`"


def page() -> str:
    """Return the page."""
    parts: list[str] = []
    head = "| name | what |\n|---|---|"
    for title, names in GROUPS.items():
        rows = [
            f"| `{name}` | {WORDS.get(name) or _said_of(getattr(app, name))} |"
            for name in names
        ]
        parts += [f"## {title}", "\n".join([head, *rows])]
    policies = ", ".join(f"`{name}`" for name in POLICIES)
    parts += ["## Policies by name", f"{policies}."]
    parts += [
        "## Mistakes in a declaration",
        _ABOUT_MISTAKES,
        "\n".join(["| declaration | refused with |", "|---|---|", *_mistakes()]),
    ]
    for title, kinds in DETAILS.items():
        parts.append(f"## {title}")
        for kind in kinds:
            if len(kinds) > 1:
                parts.append(f"`{kind.__name__}`: {_said_of(kind)}")
            parts.append("\n".join([head, *_members(kind)]))
    return "\n\n".join(parts) + "\n"
