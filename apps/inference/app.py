"""Confidential inference: models that members vote for, run on inputs nobody sees.

A caller asks for a model's key and has evidence that the key and the model are inside
an enclave; seals tensors to it; and opens an answer that is sealed to that request. Who
runs the machine, ends the TLS or keeps the ledger sees none of it. Who may do a thing,
then the thing.
"""

import base64
from dataclasses import dataclass, field
from typing import Literal

from apps.inference import channel, models
from apps.inference.engine import Described
from apps.inference.limits import REQUEST_BYTES_MAX
from apps.inference.messages import CONTENT_TYPE, Purpose, Record
from apps.inference.tables import INSTALLED, RECORDS, REGISTERED, Content, Registered
from apps.inference.tensors import Message
from ccfpy.app import (
    U64,
    ApiError,
    App,
    Context,
    ErrorCode,
    Json,
    Malformed,
    Mode,
    Nobody,
    Response,
    bytes_reply,
    empty_reply,
    key_binding,
    sha256,
)

app = App(
    "inference",
    description="Models that members vote for, run on inputs that nobody sees.",
    auth=["user_cert", "jwt", "no_auth"],
    body_bytes_max=REQUEST_BYTES_MAX,
)
BY_CERTIFICATE = ["user_cert"]
BY_MEMBERS_AT_ANY_TIME = ["member_cert", "no_auth"]
OUTPUTS = "outputs"
"""Of a question: the outputs that are wanted."""
ERROR = "error"
"""Of an answer: what is wrong with the question, as elsewhere in an error's body."""
KEY_OUTDATED = "key_outdated"
"""Of an answer: that there is a newer key to be asked for."""

remembered = app.index(channel.make_remembered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A version of a model, and how far it is."""

    name: str
    version: U64
    sha256: str
    state: Literal["awaited", "locked", "ready", "retired"]
    inputs: list[Described] = field(default_factory=list)
    outputs: list[Described] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """All models."""

    models: list[Listed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What vouches for a key: the quote and endorsements are base64.

    Attributes:
        uvm_endorsements: whose release a processor measured, where somebody says so.
    """

    format: str
    quote: str
    endorsements: str
    uvm_endorsements: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConfiguration:
    """What to seal requests for a model to.

    Attributes:
        key_version: the key's number.
        public_key: for HPKE with X25519, HKDF-SHA256 and AES-256-GCM; hex.
        lifetime_s: a hint for how long to use it; then ask for a new one.
        evidence: of the enclave that said so, bound to the nonce, the key, its number
            and the model's digest.
    """

    model: str
    model_version: U64
    model_sha256: str
    key_version: U64
    public_key: str
    lifetime_s: U64
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """Which key is in force."""

    key_version: U64
    rolled: bool


@app.get("/models")
def list_models(ctx: Context) -> ModelList:
    """List the models that the caller may use, and how far they are."""
    installed = INSTALLED.of(ctx.tx)
    listed = []
    for key, row in REGISTERED.of(ctx.tx).items():
        if not _may_use(ctx, row):
            continue
        there = installed.get(key)
        state: Literal["awaited", "locked", "ready", "retired"] = "awaited"
        if row.retired:
            state = "retired"
        elif there is not None:
            state = "ready" if there.is_ready else "locked"
        listed.append(
            Listed(
                name=row.name,
                version=row.version,
                sha256=row.content.sha256,
                state=state,
                inputs=there.inputs if there else [],
                outputs=there.outputs if there else [],
            )
        )
    return ModelList(models=sorted(listed, key=lambda each: (each.name, each.version)))


# The channel


@app.get("/models/{name}/key")
def read_key(
    ctx: Context, name: str, nonce: str, version: U64 | None = None
) -> KeyConfiguration:
    """Read the key of a model's newest or given version, with fresh evidence."""
    if version is None:
        row = models.newest(ctx, name)
    else:
        row = models.registered(ctx, name, version)
        models.ready(ctx, row)
    _check_may_use(ctx, row)
    return _configuration(ctx, row, nonce)


def _configuration(ctx: Context, row: Registered, nonce: str) -> KeyConfiguration:
    record = channel.current_key(ctx)
    public = channel.key_of(record).public
    try:
        bound = key_binding(
            nonce=bytes.fromhex(nonce),
            public_key=public,
            key_version=record.version,
            subject=bytes.fromhex(row.content.sha256),
        )
    except (ValueError, Malformed) as error:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            "'nonce' is 32 bytes in hex, new with each question.",
        ) from error
    evidence = ctx.evidence(bound)
    return KeyConfiguration(
        model=row.name,
        model_version=row.version,
        model_sha256=row.content.sha256,
        key_version=record.version,
        public_key=public.hex(),
        lifetime_s=channel.lifetime_left_s(ctx, record),
        evidence=Evidence(
            format=evidence.format,
            quote=base64.b64encode(evidence.quote).decode(),
            endorsements=base64.b64encode(evidence.endorsements).decode(),
            uvm_endorsements=None
            if evidence.uvm_endorsements is None
            else base64.b64encode(evidence.uvm_endorsements).decode(),
        ),
    )


@app.post("/channel/roll", auth=BY_MEMBERS_AT_ANY_TIME)
def roll(ctx: Context) -> KeyVersion:
    """Make a new key if the last is old; a member may have one at any time."""
    record = channel.current_key(ctx)
    if isinstance(ctx.caller, Nobody) and channel.lifetime_left_s(ctx, record):
        return KeyVersion(key_version=record.version, rolled=False)
    return KeyVersion(key_version=channel.roll_key(ctx).version, rolled=True)


# Inference


@app.post("/models/{name}/{version}/score", mode=Mode.READ_ONLY, answers=bytes)
def score(ctx: Context, name: str, version: U64) -> Response:
    """Answer a sealed request on this node, leaving no trace of it."""
    row, opened = _open(ctx, Purpose.SCORE, name, version)
    if not remembered.of(ctx.node).is_new(opened.request.digest):
        raise _replayed()
    return _sealed(ctx, opened, _answer(ctx, row, opened))


@app.post("/models/{name}/{version}/record", answers=bytes)
def score_on_record(ctx: Context, name: str, version: U64) -> Response:
    """Answer a sealed request, once in the life of its key, with a receipt to come."""
    row, opened = _open(ctx, Purpose.RECORD, name, version)
    records = RECORDS.of(ctx.tx)
    if records.has(opened.record_key):
        raise _replayed()
    answer = _answer(ctx, row, opened)
    record = Record.of(
        model=row.content.sha256,
        salt=opened.request.salt,
        question=opened.request.content,
        answer=answer,
    )
    records.put(opened.record_key, record)
    ctx.claims_digest = sha256(record.text())
    return _sealed(ctx, opened, answer)


def _open(
    ctx: Context, purpose: Purpose, name: str, version: int
) -> tuple[Registered, channel.Opened]:
    row = models.registered(ctx, name, version)
    _check_may_use(ctx, row)
    return row, channel.open_request(ctx, purpose=purpose, model=row.content.sha256)


def _answer(ctx: Context, row: Registered, opened: channel.Opened) -> bytes:
    """Run the model, or say what is wrong: only who asked is to learn either."""
    said: dict[str, Json] = {KEY_OUTDATED: True} if opened.is_key_outdated else {}
    try:
        question = Message.decode(opened.request.content)
        given = models.ready(ctx, row).run(
            question.tensors, _wanted(question), elements_max=row.elements_max
        )
        return Message(given, said).encode()
    except Malformed as error:
        refusal = ApiError(400, "InvalidTensors", f"{error}.")
    except ApiError as error:
        refusal = error
    return Message({}, said | {ERROR: _body(refusal)}).encode()


def _body(refusal: ApiError) -> Json:
    return {"code": str(refusal.code), "message": refusal.message}


def _wanted(question: Message) -> list[str] | None:
    wanted = question.said.get(OUTPUTS)
    if wanted is None:
        return None
    names = wanted if isinstance(wanted, list) else [None]
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        raise Malformed(f"'{OUTPUTS}' is no list of names")
    return texts


def _sealed(ctx: Context, opened: channel.Opened, answer: bytes) -> Response:
    sealed = opened.request.seal_answer(answer, ctx.node.entropy)
    return bytes_reply(sealed, content_type=CONTENT_TYPE)


def _replayed() -> ApiError:
    return ApiError(409, "RequestReplayed", "The request was answered already.")


def _may_use(ctx: Context, row: Registered) -> bool:
    return row.access == "anybody" or not isinstance(ctx.caller, Nobody)


def _check_may_use(ctx: Context, row: Registered) -> None:
    if not _may_use(ctx, row):
        raise ApiError(
            403, ErrorCode.AuthorizationFailed, f"The model {row.key} is for users."
        )


# Models


@app.put("/models/{name}/{version}/content/{index}", auth=BY_CERTIFICATE)
def upload_chunk(
    ctx: Context, name: str, version: U64, index: U64, body: bytes
) -> None:
    """Take a chunk of a model's content from the user whom members named."""
    row = models.registered(ctx, name, version)
    models.check_uploader(ctx, row)
    models.put_chunk(ctx, row, index, body)


@app.post("/models/{name}/{version}/content", auth=BY_CERTIFICATE)
def install(ctx: Context, name: str, version: U64) -> Content:
    """Install what was uploaded, if it is what members voted for."""
    row = models.registered(ctx, name, version)
    models.check_uploader(ctx, row)
    models.install(ctx, row)
    channel.make_first_key(ctx)
    return row.uploaded


@app.get("/models/{name}/{version}/content-key", auth=BY_CERTIFICATE)
def read_key_to_unlock(
    ctx: Context, name: str, version: U64, nonce: str
) -> KeyConfiguration:
    """Read the key to which the key of an encrypted model is to be sealed."""
    row = models.registered(ctx, name, version)
    models.check_uploader(ctx, row)
    return _configuration(ctx, row, nonce)


@app.put("/models/{name}/{version}/content-key", auth=BY_CERTIFICATE)
def unlock(ctx: Context, name: str, version: U64) -> None:
    """Take the key of an encrypted model, sealed; the model is ready then."""
    row = models.registered(ctx, name, version)
    models.check_uploader(ctx, row)
    opened = channel.open_request(
        ctx, purpose=Purpose.CONTENT_KEY, model=row.content.sha256
    )
    models.unlock(ctx, row, opened.request.content)


@app.delete("/models/{name}/{version}/content", auth=BY_CERTIFICATE)
def forget(ctx: Context, name: str, version: U64) -> Response:
    """Remove the content of a retired model."""
    row = REGISTERED.of(ctx.tx).get(f"{name}/{version}")
    if row is None or not row.retired:
        raise ApiError(409, "ModelInUse", f"No model {name}/{version} is retired.")
    models.check_uploader(ctx, row)
    models.forget(ctx, row)
    return empty_reply(204)
