"""Models: from the members' vote to a session that runs.

Members vote on a digest; a user they name brings the bytes, in chunks; what does not
have that digest is not installed. The bytes are in the private state, so each node
loads a model from its own when it is first asked for it, and keeps it ready.
"""

from collections import OrderedDict

from apps.inference.engine import Model
from apps.inference.limits import CHUNK_BYTES, SESSIONS_MAX
from apps.inference.tables import CHUNKS, INSTALLED, REGISTERED, Installed, Registered
from ccfpy.app import (
    ApiError,
    Context,
    Malformed,
    UserCertCaller,
    VerificationFailed,
    open_blob,
    sha256_hex,
)

CONTENT_KEY_BYTES = 32


_sessions: OrderedDict[str, Model] = OrderedDict()
"""By digest, the one used last at the end: the same bytes are the same model, and which
of them may be used is asked of the tables each time."""


def registered(ctx: Context, name: str, version: int) -> Registered:
    """Return a version of a model that is not retired.

    Raises:
        ApiError: 404, there is none; 410, it is retired.
    """
    row = REGISTERED.of(ctx.tx).get(f"{name}/{version}")
    if row is None:
        raise ApiError(404, "ModelNotFound", f"There is no model {name}/{version}.")
    if row.retired:
        raise ApiError(410, "ModelRetired", f"The model {row.key} is retired.")
    return row


def newest(ctx: Context, name: str) -> Registered:
    """Return the greatest version of a model that is ready.

    Raises:
        ApiError: 404, there is none.
    """
    installed = INSTALLED.of(ctx.tx)
    found = [
        row
        for key, row in REGISTERED.of(ctx.tx).items()
        if row.name == name and not row.retired and _is_ready(installed.get(key))
    ]
    if not found:
        raise ApiError(404, "ModelNotFound", f"No version of {name} is ready.")
    return max(found, key=lambda row: row.version)


def _is_ready(installed: Installed | None) -> bool:
    return installed is not None and installed.is_ready


def check_uploader(ctx: Context, row: Registered) -> None:
    """Check that the caller may bring a model's content.

    Raises:
        ApiError: 403, members named another user.
    """
    caller = ctx.caller
    if not isinstance(caller, UserCertCaller) or caller.user_id != row.uploader:
        raise ApiError(
            403,
            "AuthorizationFailed",
            f"Members named another user to bring the model {row.key}.",
        )


def put_chunk(ctx: Context, row: Registered, index: int, data: bytes) -> None:
    """Keep a chunk.

    Raises:
        ApiError: 400, there is no such chunk, or it has another size; 409, the content
            is installed already.
    """
    if INSTALLED.of(ctx.tx).has(row.key):
        raise ApiError(409, "ModelInstalled", f"The model {row.key} is installed.")
    content = row.uploaded
    if index >= content.chunks:
        raise ApiError(
            400, "InvalidChunk", f"The model {row.key} has {content.chunks} chunks."
        )
    size = content.chunk_size(index)
    if len(data) != size:
        raise ApiError(
            400, "InvalidChunk", f"Chunk {index} has {size} bytes, not {len(data)}."
        )
    CHUNKS.of(ctx.tx).put(_chunk_key(row, index), data)


def install(ctx: Context, row: Registered) -> Installed:
    """Install what was uploaded, if it is what members voted for.

    Raises:
        ApiError: 409, chunks are missing, or the digest is another; 400, it is no model
            that can run.
    """
    before = INSTALLED.of(ctx.tx).get(row.key)
    if before is not None:
        return before
    uploaded = _uploaded(ctx, row)
    digest = sha256_hex(uploaded)
    if digest != row.uploaded.sha256:
        raise ApiError(
            409,
            "ModelHashMismatch",
            f"Members voted for {row.uploaded.sha256}; what was uploaded is {digest}.",
        )
    made = Installed(inputs=[], outputs=[])
    if row.encrypted is None:
        made = _described(row, uploaded)
    INSTALLED.of(ctx.tx).put(row.key, made)
    return made


def unlock(ctx: Context, row: Registered, content_key: bytes) -> Installed:
    """Open an encrypted model with its owner's key, and keep the key.

    Raises:
        ApiError: 409, there is nothing to open, or what opens is not what members voted
            for; 400, the key does not open it, or it is no model that can run.
    """
    if row.encrypted is None or not INSTALLED.of(ctx.tx).has(row.key):
        raise ApiError(
            409, "ModelNotEncrypted", f"No encrypted model {row.key} is installed."
        )
    if len(content_key) != CONTENT_KEY_BYTES:
        raise ApiError(
            400, "InvalidContentKey", f"A model's key has {CONTENT_KEY_BYTES} bytes."
        )
    content = _opened(_uploaded(ctx, row), content_key)
    digest = sha256_hex(content)
    if digest != row.content.sha256:
        raise ApiError(
            409,
            "ModelHashMismatch",
            f"Members voted for {row.content.sha256}; the key opens {digest}.",
        )
    described = _described(row, content)
    made = Installed(
        inputs=described.inputs,
        outputs=described.outputs,
        content_key=content_key.hex(),
    )
    INSTALLED.of(ctx.tx).put(row.key, made)
    return made


def forget(ctx: Context, row: Registered) -> None:
    """Remove a retired model's content and key from the state."""
    INSTALLED.of(ctx.tx).remove(row.key)
    for index in range(row.uploaded.chunks):
        CHUNKS.of(ctx.tx).remove(_chunk_key(row, index))
    _sessions.pop(row.content.sha256, None)


def ready(ctx: Context, row: Registered) -> Model:
    """Return a model to run, loaded now if this node has not used it lately.

    Raises:
        ApiError: 409, its content or its key is not there yet.
    """
    installed = INSTALLED.of(ctx.tx).get(row.key)
    if installed is None or not installed.is_ready:
        raise ApiError(409, "ModelNotReady", f"The model {row.key} is not ready yet.")
    digest = row.content.sha256
    model = _sessions.get(digest)
    if model is None:
        content = _uploaded(ctx, row)
        if installed.content_key is not None:
            content = _opened(content, bytes.fromhex(installed.content_key))
        assert sha256_hex(content) == digest, "it was checked when it was installed"
        model = _loaded(row, content)
    _sessions.move_to_end(digest)
    return model


def _described(row: Registered, content: bytes) -> Installed:
    model = _loaded(row, content)
    return Installed(inputs=model.inputs, outputs=model.outputs)


def _loaded(row: Registered, content: bytes) -> Model:
    try:
        model = Model(content)
    except Malformed as error:
        raise ApiError(400, "ModelRefused", f"The model {row.key}: {error}.") from error
    _sessions[row.content.sha256] = model
    if len(_sessions) > SESSIONS_MAX:
        _sessions.popitem(last=False)
    return model


def _opened(blob: bytes, content_key: bytes) -> bytes:
    try:
        return open_blob(content_key, blob)
    except (Malformed, VerificationFailed) as error:
        raise ApiError(
            400, "InvalidContentKey", "The key does not open the model."
        ) from error


def _uploaded(ctx: Context, row: Registered) -> bytes:
    chunks = CHUNKS.of(ctx.tx)
    parts = [chunks.get(_chunk_key(row, i)) for i in range(row.uploaded.chunks)]
    missing = [str(index) for index, part in enumerate(parts) if part is None]
    if missing:
        raise ApiError(
            409, "ModelIncomplete", f"Chunks are missing: {', '.join(missing)}."
        )
    return b"".join(part for part in parts if part is not None)


def _chunk_key(row: Registered, index: int) -> str:
    assert index * CHUNK_BYTES < row.uploaded.size
    return f"{row.key}/{index:06d}"
