"""Certificate authorities that governance trusts for calls the node makes."""

from ccfpy.kv.maps import STRING, Map
from ccfpy.service.records import codec_of

CA_CERT_BUNDLES = Map("public:ccf.gov.tls.ca_cert_bundles", STRING, codec_of(str))
"""PEM certificates, one after the other, by the bundle's name."""
