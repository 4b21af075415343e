"""The tables: what governance decided is public; keys, models, records are private."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, TypeAlias, TypeVar

from apps.inference.engine import Described
from apps.inference.limits import (
    CHUNK_BYTES,
    ELEMENTS_MAX,
    MODEL_BYTES_MAX,
    ROWS_KEPT_READ,
)
from apps.inference.messages import RECORD
from ccfpy.app import RAW, STRING, U64, Codec, IntegerRange, Map, Value, json_codec

T = TypeVar("T")
Size: TypeAlias = Annotated[int, IntegerRange("model_size", 1, MODEL_BYTES_MAX)]
Elements: TypeAlias = Annotated[int, IntegerRange("elements", 1, ELEMENTS_MAX)]
Seconds: TypeAlias = Annotated[int, IntegerRange("seconds", 1, 2**31 - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes that members voted for.

    Attributes:
        sha256: their digest in hex.
        size: how many there are.
    """

    sha256: str
    size: Size

    @property
    def chunks(self) -> int:
        """How many chunks they come in."""
        return -(-self.size // CHUNK_BYTES)

    def chunk_size(self, index: int) -> int:
        """Return the size of a chunk; all but the last are full."""
        return min(CHUNK_BYTES, self.size - index * CHUNK_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version of a model, as members registered it.

    Attributes:
        name: of the model.
        version: its number; the greatest that is ready is the one to use.
        content: the model itself.
        encrypted: what is uploaded, where the model's owner gives its key apart.
        uploader: the id of the user who may bring the content.
        access: whether anybody may use it, or users alone.
        elements_max: in all inputs of one request.
        retired: whether it is not to be used any more.
    """

    name: str
    version: U64
    content: Content
    uploader: str
    encrypted: Content | None = None
    access: Literal["users", "anybody"] = "users"
    elements_max: Elements = ELEMENTS_MAX
    retired: bool = False

    @property
    def key(self) -> str:
        """Under which it stands in tables."""
        return f"{self.name}/{self.version}"

    @property
    def uploaded(self) -> Content:
        """What is uploaded."""
        return self.encrypted or self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """That a version's content is there, as it should be.

    Attributes:
        content_key: what opens it, in hex, where it is encrypted; nothing until then.
        inputs: what the model takes, and ``outputs`` what it gives: empty until it can
            be read.
    """

    inputs: list[Described]
    outputs: list[Described]
    content_key: str | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the model can be used."""
        return bool(self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key to which requests are sealed.

    Attributes:
        version: its number, never used again.
        private: the private key in hex.
        made_at_s: when, by the host's clock, on which nothing rests but when the next
            one may be made.
    """

    version: U64
    private: str
    made_at_s: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The key in force, and the one before, which still opens what is on its way."""

    current: KeyRecord
    previous: KeyRecord | None = None


def _read_once(kind: type[T]) -> Codec[T]:
    """Keep values as JSON, and those that were read lately as they were read.

    A few rows are read with every request, and seldom change.
    """
    codec = json_codec(kind)
    return Codec(encode=codec.encode, decode=lru_cache(ROWS_KEPT_READ)(codec.decode))


INSTALLED = Map("inference.installed", STRING, _read_once(Installed))
CHUNKS = Map("inference.chunks", STRING, RAW)
"""By version and number; what is encrypted stays so."""
KEYS = Value("inference.keys", _read_once(Keys))
RECORDS = Map("inference.records", STRING, RECORD)
"""By key version and the request's digest, until that key is gone."""

# Governance's: the constitution writes them, this application only reads.
REGISTERED = Map("public:ccf.gov.inference.models", STRING, _read_once(Registered))
KEY_LIFETIME = Value("public:ccf.gov.inference.key_lifetime", json_codec(int))
