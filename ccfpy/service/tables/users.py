"""Users: who may call the application with a certificate of their own."""

from dataclasses import field

from ccfpy.base.annotations import REQUIRED, described
from ccfpy.base.ids import UserId
from ccfpy.base.json import Json
from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import codec_of, text_key


@described("UserDetails")
class UserInfo:
    """What the consortium attached to a user; applications read roles here."""

    user_data: Json = field(default=None, metadata=REQUIRED)


_USER_ID = text_key(UserId)

CERTS = Map("public:ccf.gov.users.certs", _USER_ID, STRING)
INFO = Map("public:ccf.gov.users.info", _USER_ID, codec_of(UserInfo))
