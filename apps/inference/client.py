"""Asking a model in an enclave: evidence first, then the tensors, sealed.

Everything between the caller's process and the enclave is a carrier of bytes: the
network, the host, a TLS proxy. A client keeps a key that it has checked until the key
is old, and asks for it once again where the service does not know it any more or the
model was replaced, so neither costs its caller a failure.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from apps.inference.limits import CHUNK_BYTES
from apps.inference.messages import CONTENT_TYPE, Header, Purpose, Record
from apps.inference.tensors import Message, Tensor
from ccfpy.app import Json, JsonObject, TxId, VerificationFailed, sha256_hex
from ccfpy.client.attested import CheckedKey, Expected, OfferedKey, fresh_nonce
from ccfpy.client.errors import ClientError, ServiceError, UnexpectedReply
from ccfpy.client.requests import Reply, text_field

ASK_AGAIN = frozenset(
    {
        "KeyVersionUnknown",
        "ModelMismatch",
        "ModelNotFound",
        "ModelRetired",
        "SessionConsistencyLost",
    }
)
"""Refusals that a new key may be the remedy for, or a new session where there was an
election: none of them leaves a trace of what was asked."""
MODEL = "model_sha256"


class Carrier(Protocol):
    """What carries requests to a service: a ``ccfpy.client.connection.Connection``."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and give the answer, of whatever status."""
        ...

    async def wait_committed(self, txid: TxId) -> None:
        """Wait until a transaction can no longer be lost."""
        ...


class OtherModel(ClientError):
    """The service has another model than the caller would have judge its data."""


class QuestionRefused(ClientError):
    """What the enclave says is wrong with a question, which nobody else was told.

    Attributes:
        code: such as ``WrongTensorShape``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What shows that a model gave an answer, with the receipt of its transaction.

    Attributes:
        txid: the transaction, which claims the digest of the record's text.
        record: what the ledger says of it.
        salt: with which, and the two below, anybody can work out the record.
        question: as it was sealed.
        answer: as it was sealed.
    """

    txid: TxId
    record: Record
    salt: bytes
    question: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """An answer.

    Attributes:
        outputs: by name.
        model_version: of the model that gave them.
        model_sha256: its digest, for which evidence vouched.
        proof: of an answer on record.
    """

    outputs: Mapping[str, Tensor]
    model_version: int
    model_sha256: str
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A key that was checked, for one version of the model."""

    key: CheckedKey
    model_version: int
    until_s: float


class InferenceClient:
    """Somebody who asks one model.

    Args:
        carrier: to the service, as a user who may use the model.
        model: its name.
        expected: what the enclave's evidence must say.
        version: of the model; the newest that is ready if not said.
        digests: of the models, in hex, that may be asked; if not said, whichever the
            service's members voted for.
        now_s: the time, by which evidence must be valid.
    """

    def __init__(
        self,
        carrier: Carrier,
        model: str,
        expected: Expected,
        *,
        version: int | None = None,
        digests: Collection[str] | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._carrier = carrier
        self._model = quote(model, safe="")
        self._expected = expected
        self._version = version
        self._digests = digests
        self._now_s = now_s
        self._held: _Held | None = None
        self._asking = asyncio.Lock()

    async def score(
        self, inputs: Mapping[str, Tensor], *, outputs: Sequence[str] | None = None
    ) -> Scores:
        """Ask any node, which keeps no trace of it.

        Args:
            inputs: by name.
            outputs: which are wanted; all if not said.

        Raises:
            EvidenceRefused: the enclave is none that was expected; nothing was sent.
            OtherModel: its model is none that was expected; nothing was sent.
            QuestionRefused: the model does not take such inputs.
            VerificationFailed: what came is not the enclave's answer to this.
            ServiceError: the service refuses.
        """
        return await self._ask(Purpose.SCORE, "score", inputs, outputs)

    async def record(
        self, inputs: Mapping[str, Tensor], *, outputs: Sequence[str] | None = None
    ) -> Scores:
        """Ask on record; the answer has a proof. Raises as ``score``."""
        return await self._ask(Purpose.RECORD, "record", inputs, outputs)

    async def _ask(
        self,
        purpose: Purpose,
        verb: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str] | None,
    ) -> Scores:
        said: dict[str, Json] = {} if outputs is None else {"outputs": [*outputs]}
        question = Message(inputs, said).encode()
        held = await self._key()
        try:
            return await self._exchange(held, purpose, verb, question)
        except ServiceError as refusal:
            if refusal.code not in ASK_AGAIN:
                raise
        held = await self._key(instead_of=held)
        return await self._exchange(held, purpose, verb, question)

    async def _exchange(
        self, held: _Held, purpose: Purpose, verb: str, question: bytes
    ) -> Scores:
        key = held.key
        header = Header(purpose=purpose, key_version=key.version, model=key.subject)
        context = header.encode()
        sealed = key.seal(question, context=context)
        reply = await self._carrier.request(
            "POST",
            f"/app/models/{self._model}/{held.model_version}/{verb}",
            body=context + sealed.message,
            headers={"content-type": CONTENT_TYPE},
        )
        answer = sealed.open_answer(reply.raise_for_error().body)
        message = Message.decode(answer)
        if message.said.get("key_outdated") is True:
            self._held = None
        _raise_for_refusal(message.said)
        return Scores(
            outputs=message.tensors,
            model_version=held.model_version,
            model_sha256=key.subject.hex(),
            proof=_proof(reply, key, sealed.salt, question, answer)
            if purpose is Purpose.RECORD
            else None,
        )

    async def _key(self, *, instead_of: _Held | None = None) -> _Held:
        """Return a checked key: the one held, unless it is old or was refused."""
        async with self._asking:
            held = self._held
            if held is None or held is instead_of or held.until_s <= time.monotonic():
                held = await self._fetch()
                if held.key.lifetime_s == 0:
                    (
                        await self._carrier.request(
                            "POST", "/app/channel/roll", json={}
                        )
                    ).raise_for_error()
                    held = await self._fetch()
                self._held = held
            return held

    async def _roll(self) -> None:
        """Ask for a new key: anybody may if the last key is old."""
        reply = await self._carrier.request("POST", "/app/channel/roll", json={})
        reply.raise_for_error()

    async def _fetch(self) -> _Held:
        query = "" if self._version is None else f"&version={self._version}"
        offer = await _offer(
            self._carrier,
            f"/app/models/{self._model}/key",
            query,
            self._expected,
            self._now_s(),
        )
        digest = offer.key.subject.hex()
        if self._digests is not None and digest not in self._digests:
            raise OtherModel(f"the model {self._model} is {digest}")
        return offer


async def _offer(
    carrier: Carrier, path: str, query: str, expected: Expected, now_s: float
) -> _Held:
    """Ask for a key, and check it."""
    nonce = fresh_nonce()
    reply = await carrier.request("GET", f"{path}?nonce={nonce.hex()}{query}")
    fields = reply.raise_for_error().object()
    offered = OfferedKey.read(fields, subject=MODEL)
    key = offered.check(expected, nonce=nonce, unix_time_s=int(now_s))
    version = fields.get("model_version")
    if type(version) is not int:
        raise UnexpectedReply(f"expected a model's version, found {version!r:.80}")
    until_s = time.monotonic() + key.lifetime_s
    return _Held(key=key, model_version=version, until_s=until_s)


def _raise_for_refusal(said: JsonObject) -> None:
    error = said.get("error")
    if isinstance(error, dict):
        raise QuestionRefused(text_field(error, "code"), text_field(error, "message"))


def _proof(
    reply: Reply, key: CheckedKey, salt: bytes, question: bytes, answer: bytes
) -> Proof:
    if reply.txid is None:
        raise UnexpectedReply("an answer on record names no transaction")
    record = Record.of(
        model=key.subject.hex(), salt=salt, question=question, answer=answer
    )
    return Proof(
        txid=reply.txid, record=record, salt=salt, question=question, answer=answer
    )


# A model's owner


def registration(
    content: bytes,
    *,
    name: str,
    version: int,
    uploader: str,
    encrypted: bytes | None = None,
    access: str | None = None,
) -> JsonObject:
    """Return the action by which members register a model.

    Args:
        content: the model.
        name: of the model.
        version: its number.
        uploader: the id of the user who is to bring it.
        encrypted: what that user will bring, if it is not the model itself.
        access: who may use it: ``users`` if not said, or ``anybody``.
    """
    args: JsonObject = {
        "name": name,
        "version": version,
        "sha256": sha256_hex(content),
        "size": len(content),
        "uploader": uploader,
    }
    if encrypted is not None:
        args["encrypted"] = {"sha256": sha256_hex(encrypted), "size": len(encrypted)}
    if access is not None:
        args["access"] = access
    return {"name": "set_inference_model", "args": args}


async def upload(carrier: Carrier, name: str, version: int, content: bytes) -> None:
    """Bring a registered model, as the user whom members named.

    Raises:
        ServiceError: it is not what members voted for, or of another's to bring.
    """
    path = f"/app/models/{quote(name, safe='')}/{version}/content"
    for index in range(-(-len(content) // CHUNK_BYTES)):
        chunk = content[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
        reply = await carrier.request("PUT", f"{path}/{index}", body=chunk)
        reply.raise_for_error()
    reply = (await carrier.request("POST", path, json={})).raise_for_error()
    if reply.txid is not None:
        await carrier.wait_committed(reply.txid)


async def unlock(
    carrier: Carrier,
    name: str,
    version: int,
    content_key: bytes,
    expected: Expected,
    *,
    now_s: float | None = None,
) -> None:
    """Send an encrypted model's key to the enclave, after checking its evidence.

    Raises:
        EvidenceRefused: the enclave is none that was expected; nothing was sent.
        ServiceError: the key does not open what members voted for.
    """
    path = f"/app/models/{quote(name, safe='')}/{version}/content-key"
    checked_at = time.time() if now_s is None else now_s
    held = await _offer(carrier, path, "", expected, checked_at)
    header = Header(
        purpose=Purpose.CONTENT_KEY,
        key_version=held.key.version,
        model=held.key.subject,
    ).encode()
    sealed = held.key.seal(content_key, context=header)
    reply = await carrier.request("PUT", path, body=header + sealed.message)
    reply.raise_for_error()
    if reply.txid is not None:
        await carrier.wait_committed(reply.txid)


__all__ = [
    "InferenceClient",
    "OtherModel",
    "Proof",
    "QuestionRefused",
    "Scores",
    "VerificationFailed",
    "registration",
    "unlock",
    "upload",
]
