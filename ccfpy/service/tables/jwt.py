"""JWT: the issuers whose tokens the application accepts, and their keys.

Certificate authorities that governance trusts for calls the node makes.
"""

from ccfpy.base.annotations import OrAbsent, described
from ccfpy.kv.maps import RAW, STRING, Map
from ccfpy.service.records import JSON, codec_of, form_of


@described("JwtIssuerMetadata")
class JwtIssuer:
    """How an issuer's keys are kept up to date.

    Attributes:
        auto_refresh: fetch the keys from the issuer from time to time.
        ca_cert_bundle_name: the authorities that vouch for the issuer's server.
    """

    ca_cert_bundle_name: OrAbsent[str] = None
    auto_refresh: bool = False


@described("OpenIDJWKMetadata")
class SigningKey:
    """A key that signs tokens, as one issuer published it.

    Attributes:
        public_key: DER SubjectPublicKeyInfo.
        constraint: what tokens' ``iss`` must match, where it is not the issuer itself.
    """

    issuer: str
    public_key: bytes
    constraint: OrAbsent[str] = None


JWT_ISSUER = form_of(JwtIssuer)

ISSUERS = Map("public:ccf.gov.jwt.issuers", STRING, codec_of(JwtIssuer))
"""Written by constitutions, which also repeat the issuer's name in the record."""
SIGNING_KEYS = Map(
    "public:ccf.gov.jwt.public_signing_keys_metadata_v2",
    STRING,
    codec_of(tuple[SigningKey, ...]),
)
"""By key id; issuers may share one."""

LEGACY_METADATA = Map("public:ccf.gov.jwt.public_signing_keys_metadata", STRING, JSON)
"""The same with certificates instead of keys: arrays of ``{cert, issuer, ...}``."""
LEGACY_KEYS = Map("public:ccf.gov.jwt.public_signing_key", STRING, RAW)
LEGACY_KEY_ISSUER = Map("public:ccf.gov.jwt.public_signing_key_issuer", STRING, STRING)


CA_CERT_BUNDLES = Map("public:ccf.gov.tls.ca_cert_bundles", STRING, codec_of(str))
"""PEM certificates, one after the other, by the bundle's name."""
