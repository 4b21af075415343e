"""What members decided of applications in Python; the table is ours."""

from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.base.annotations import U64
from ccfpy.kv.maps import Value
from ccfpy.service.records import codec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonRuntimeOptions:
    """What one call of an application's Python code may take, and the log may say."""

    max_execution_time_ms: U64 = limits.APP_EXECUTION_MS_MAX
    max_memory_bytes: U64 = limits.APP_MEMORY_BYTES_MAX
    max_response_bytes: U64 = limits.APP_RESPONSE_BYTES_MAX
    log_exception_details: bool = False


RUNTIME_OPTIONS = Value(
    "public:ccf.gov.python_runtime_options",
    codec_of(PythonRuntimeOptions),
)
