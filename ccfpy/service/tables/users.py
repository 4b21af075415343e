"""Users: who may call the application with a certificate of their own."""

from dataclasses import dataclass

from ccfpy.base.ids import UserId
from ccfpy.base.json import Json
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import codec_of, record, text_key


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInfo:
    """What the consortium attached to a user; applications read roles here."""

    user_data: Json = None


_USER_ID = text_key(UserId)

CERTS = Map("public:ccf.gov.users.certs", _USER_ID, STRING)
INFO = Map(
    "public:ccf.gov.users.info",
    _USER_ID,
    codec_of(record(UserInfo, always=("user_data",))),
)
