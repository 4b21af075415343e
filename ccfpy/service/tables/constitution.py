"""The constitution: the JavaScript that decides what proposals do."""

from ccfpy.kv.maps import Value
from ccfpy.service.records import codec_of

CONSTITUTION = Value("public:ccf.gov.constitution", codec_of(str))
