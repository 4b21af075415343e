"""The concepts of an enclave, how ccfpy's simulated enclave has them, and the tests.

Open Enclave, Intel's SGX SDK and OP-TEE share these concepts. The page
docs/reference/enclave-checklist.md is made of the rows, so that a test shows each of
its promises. A house test checks that each named test exists.
"""

from dataclasses import dataclass
from enum import StrEnum


class Concept(StrEnum):
    """The concepts that the three share, by their own names."""

    UNIT = "Unit of trust: signed image, trusted application"
    UNTRUSTED = "Untrusted part"
    LIFECYCLE = "Create and destroy"
    INTERFACE = "Interface definition: EDL"
    CALL_IN = "Call in: ECALL, command"
    CALL_OUT = "Call out: OCALL, RPC"
    POINTERS = "Pointer rules: [in], [out], [size]; shared memory"
    SESSIONS = "Sessions and concurrency: TCS, re-entrancy"
    RESOURCES = "Resources: heap, stack, time"
    EXACT = "Exact identity: UNIQUE_ID, MRENCLAVE"
    SIGNER = "Signer's identity: SIGNER_ID, MRSIGNER"
    VERSION = "Product and version: ISVPRODID, ISVSVN"
    DEBUG = "Debug"
    SIMULATION = "Simulation"
    LOCAL = "Local attestation: EREPORT"
    REMOTE = "Remote attestation: quote"
    REPORT_DATA = "Report data"
    TLS = "Attested TLS"
    SEALING = "Sealing"
    ROLLBACK = "Rollback and counters"
    RANDOMNESS = "Randomness"
    TIME = "Time"
    SECRECY = "Secrecy of memory"
    CRASH = "Crash"
    SERVICE = "Verification service: MAA"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        does: how ccfpy has the concept, in a few sentences.
        shown: the tests, by their files below ``tests``.
    """

    does: str
    shown: dict[str, tuple[str, ...]]


ROWS: dict[Concept, Row] = {
    Concept.UNIT: Row(
        does="An enclave is a bundle: ccfpy's own trusted files, the libraries "
        "that it uses by their versions, the application's files, the "
        "interface, the configuration. The developer signs one digest of the "
        "whole bundle (`ccfpy enclave sign`). The digest is compared before "
        "any of the application's code runs.",
        shown={
            "unit/attestation/test_bundle.py": (
                "test_the_digest_is_as_the_format_says",
            ),
            "unit/enclave/test_measuring.py": (
                "test_every_file_of_an_application_counts",
            ),
            "unit/toolkit/enclave/test_loading.py": (
                "test_code_that_was_changed_after_signing_is_never_run",
            ),
        },
    ),
    Concept.UNTRUSTED: Row(
        does="The host is another process. It has the sockets and the files, and "
        "neither a key nor a plaintext. The import contract *untrusted-host* "
        "keeps trusted code out of the host.",
        shown={
            "unit/toolkit/enclave/test_process.py": (
                "test_an_enclave_answers_from_a_process_of_its_own",
            ),
            "e2e/test_canaries.py": ("test_what_went_over_tls_is_nowhere",),
        },
    ),
    Concept.LIFECYCLE: Row(
        does="An enclave is created, initialized, running and destroyed, in this "
        "order and once. A message at another stage is a violation, and a "
        "host that starts an enclave again gets `WrongStage`. Another run is "
        "another instance, with another random name.",
        shown={
            "unit/boundary/test_lifecycle.py": (
                "test_a_stage_follows_as_the_table_says_and_not_otherwise",
            ),
            "unit/toolkit/enclave/test_dispatcher.py": (
                "test_what_is_said_at_another_stage_is_a_violation",
                "test_two_runs_of_one_enclave_are_two_instances",
            ),
            "unit/toolkit/enclave/test_process.py": (
                "test_a_destroyed_enclave_is_gone_for_good",
            ),
            "unit/enclave/test_in_process.py": (
                "test_a_link_is_one_node_and_starts_no_other",
            ),
        },
    ),
    Concept.INTERFACE: Row(
        does="An interface consists of annotated methods of two classes. From "
        "these follow the messages, their strict form, stubs on both sides "
        "and a canonical text. The text's digest is measured, and host and "
        "enclave compare the digest before anything else.",
        shown={
            "unit/toolkit/interfaces/test_interface.py": (
                "test_the_schema_says_it_all",
                "test_each_change_of_an_interface_changes_its_digest",
            ),
            "unit/toolkit/enclave/test_process.py": (
                "test_a_host_with_another_interface_has_no_enclave",
            ),
            "unit/enclave/test_measuring.py": (
                "test_interface_and_configuration_count",
            ),
        },
    ),
    Concept.CALL_IN: Row(
        does="Each declared function has its own framed message. An undeclared "
        "function has no number, so no message can call it. An ill-formed "
        "message ends the enclave.",
        shown={
            "unit/toolkit/interfaces/test_interface.py": (
                "test_what_is_not_declared_cannot_be_said",
            ),
            "unit/toolkit/enclave/test_process.py": (
                "test_a_host_that_says_what_cannot_be_said_has_no_enclave_any_more",
            ),
        },
    ),
    Concept.CALL_OUT: Row(
        does="The enclave's code awaits declared functions of the host. An answer "
        "that does not have the declared form is a violation. The form does "
        "not make an answer true. If the host's function fails, the enclave's "
        "code gets an exception. A node asks by effects, and believes no "
        "answer that does not verify.",
        shown={
            "unit/toolkit/enclave/test_dispatcher.py": (
                "test_a_function_asks_the_host_and_goes_on_with_the_answer",
                "test_the_answer_of_another_function_is_a_violation",
                "test_a_function_may_cope_with_a_host_that_fails",
            ),
            "unit/toolkit/enclave/test_process.py": (
                "test_an_enclave_has_no_way_out_but_its_interface",
            ),
        },
    ),
    Concept.POINTERS: Row(
        does="Messages contain no pointers. Everything is copied once, so the "
        "enclave uses the same bytes that it checked. Each text, list and "
        "byte string has a bound, the bound of a call follows from these, and "
        "the enclave does not read a frame beyond the bound. The tests "
        "include noise and damaged frames.",
        shown={
            "unit/toolkit/interfaces/test_interface.py": (
                "test_what_is_sent_is_the_copy_that_was_checked",
                "test_the_largest_call_fits_a_frame_and_no_larger_frame_is_taken",
            ),
            "unit/boundary/test_shape.py": ("test_a_bound_holds_to_its_last_unit",),
            "unit/toolkit/enclave/test_dispatcher_noise.py": (
                "test_what_was_damaged_on_the_way_is_read_or_refused",
            ),
        },
    ),
    Concept.SESSIONS: Row(
        does="An enclave runs one call at a time unless it declares more "
        "(`calls_at_once_max`). Other calls wait (`calls_waiting_max`) or are "
        "denied. While the host serves a call, the host may call the "
        "functions that the served function `allows`, up to a depth "
        "(`calls_within_max`).",
        shown={
            "unit/toolkit/enclave/test_dispatcher.py": (
                "test_so_many_calls_are_begun_and_the_others_wait",
                "test_so_many_calls_wait_and_the_others_are_denied",
                "test_a_call_within_that_the_ocall_does_not_allow_is_denied",
                "test_calls_within_calls_go_so_deep_and_no_deeper",
            ),
            "unit/toolkit/enclave/test_dispatcher_noise.py": (
                "test_whatever_the_order_every_call_is_answered_once",
            ),
        },
    ),
    Concept.RESOURCES: Row(
        does="Memory, the processor time of a call and of all calls, and the depth "
        "of recursion have limits. The limits are measured, the system "
        "enforces them (Linux), and the host learns which limit was reached.",
        shown={
            "unit/toolkit/enclave/test_process.py": (
                "test_a_limit_that_is_reached_ends_the_enclave_and_is_named",
                "test_calls_that_each_keep_their_limit_reach_that_of_them_all",
            ),
            "unit/toolkit/enclave/test_limits.py": (
                "test_every_limit_is_in_the_text_that_is_measured",
            ),
        },
    ),
    Concept.EXACT: Row(
        does="`unique_id` is the digest of the bundle. It changes with any byte of "
        "the bundle, and with the versions of the interpreter and the "
        "libraries, whose own files are not measured.",
        shown={
            "unit/attestation/test_bundle.py": (
                "test_files_have_one_digest_for_one_set_of_paths_and_contents",
            ),
            "unit/enclave/test_measuring.py": (
                "test_where_it_lies_makes_no_difference",
                "test_all_of_ccfpy_that_a_node_loads_is_measured",
            ),
        },
    ),
    Concept.SIGNER: Row(
        does="`signer_id` is the digest of the developer's public key. The "
        "developer's signature is a file beside the code.",
        shown={
            "unit/attestation/test_identity.py": ("test_a_signer_is_known_by_the_key",),
            "unit/attestation/test_manifest.py": (
                "test_a_field_that_is_changed_needs_the_signers_key",
            ),
            "unit/service/evidence/test_simulated.py": (
                "test_a_signers_product_may_join_without_a_word_on_its_code",
            ),
        },
    ),
    Concept.VERSION: Row(
        does="The signer sets `product_id` and `security_version`. Members raise "
        "the lowest version that may join. An older version cannot open data "
        "that a newer version sealed.",
        shown={
            "unit/attestation/test_manifest.py": ("test_numbers_have_bounds",),
            "unit/service/evidence/test_simulated.py": (
                "test_a_raised_least_version_ends_old_enclaves_listed_or_not",
            ),
            "unit/toolkit/enclave/test_platform.py": (
                "test_an_older_enclave_does_not_open_what_a_newer_one_sealed",
            ),
        },
    ),
    Concept.DEBUG: Row(
        does="The signed identity has a debug bit, which all evidence contains. "
        "Clients, services and other enclaves refuse a debug enclave unless "
        "their configuration allows it.",
        shown={
            "unit/client/test_attested.py": (
                "test_a_debug_enclave_is_refused_unless_asked_for",
            ),
            "unit/service/evidence/test_simulated.py": (
                "test_members_may_take_debugged_enclaves_and_machines_that_are_out_of_date",
            ),
            "unit/toolkit/enclave/test_loading.py": (
                "test_a_debug_enclave_is_known_as_one_and_heard_by_no_other",
            ),
        },
    ),
    Concept.SIMULATION: Row(
        does="The whole enclave is simulated. Its evidence says in signed words "
        "that it is insecure, and no form of evidence can be read as another.",
        shown={
            "unit/attestation/test_simulated.py": (
                "test_every_quote_says_that_it_is_insecure",
                "test_no_other_form_of_evidence_reads_as_this_or_this_as_another",
            ),
        },
    ),
    Concept.LOCAL: Row(
        does="Two enclaves of one machine exchange reports, under a key that the "
        "machine derives for the enclave that reads the report.",
        shown={
            "unit/toolkit/enclave/test_local_reports.py": (
                "test_nobody_else_can_check_it_or_make_one",
            ),
            "unit/toolkit/enclave/test_loading.py": (
                "test_two_enclaves_of_one_machine_know_each_other",
            ),
        },
    ),
    Concept.REMOTE: Row(
        does="A machine signs quotes, and its vendor endorses the machine, with "
        "security versions and revocations. Evidence of real SEV-SNP and SGX "
        "is verified up to its vendor's root.",
        shown={
            "unit/attestation/test_simulated_endorsements.py": (
                "test_a_true_quote_verifies_and_says_what_the_machine_is_worth",
            ),
            "unit/attestation/test_snp.py": (
                "test_a_report_of_a_real_processor_is_believed",
            ),
            "unit/attestation/test_sgx.py": (
                "test_a_quote_of_a_real_processor_is_believed_at_its_time",
            ),
            "unit/toolkit/enclave/test_loading.py": (
                "test_its_evidence_is_of_what_was_signed",
            ),
        },
    ),
    Concept.REPORT_DATA: Row(
        does="A node's evidence is bound to the digest of its public key, as in "
        "CCF. Evidence of an application or an enclave is bound to data of "
        "its choice, which nobody can mistake for a node's.",
        shown={
            "unit/attestation/test_report_data.py": (
                "test_no_data_of_an_application_gives_a_nodes_report_data",
            ),
            "unit/service/evidence/test_quotes.py": (
                "test_evidence_of_another_key_is_refused",
            ),
            "unit/toolkit/enclave/test_platform.py": (
                "test_data_is_not_taken_for_the_report_data_itself",
            ),
        },
    ),
    Concept.TLS: Row(
        does="`GET /node/quotes/self` returns the evidence for the key of the "
        "node's certificate. Certificates themselves carry no evidence.",
        shown={
            "unit/node/api/test_network.py": (
                "test_evidence_is_shown_as_far_as_there_is_some",
            ),
            "unit/cli/test_attest.py": ("test_a_nodes_answer_is_bound_to_its_id",),
        },
    ),
    Concept.SEALING: Row(
        does="An enclave seals for the same code (`unique`) or for the same "
        "signer's product (`signer`), with additional data. Sealed data does "
        "not open after a change, on another machine, for an older version, "
        "or without the additional data.",
        shown={
            "unit/toolkit/enclave/test_sealing.py": (
                "test_who_opens_what",
                "test_no_byte_of_it_can_change",
            ),
            "unit/toolkit/enclave/test_loading.py": (
                "test_others_do_not_open_what_it_sealed",
            ),
        },
    ),
    Concept.ROLLBACK: Row(
        does="An enclave alone has no defence: older sealed data opens as well as "
        "newer. The ledger is the defence: nodes of a service accept no older "
        "state from a host ([how](../howto/write-an-enclave.md)).",
        shown={
            "unit/toolkit/enclave/test_platform.py": (
                "test_what_was_sealed_before_opens_as_well_as_what_is_sealed_now",
            ),
            "unit/node/replication/test_replication_attacks.py": (
                "test_a_ledger_cut_short_served_to_a_joiner",
            ),
        },
    ),
    Concept.RANDOMNESS: Row(
        does="Random bytes come from the operating system, inside the enclave's "
        "process. No function of the host provides random bytes.",
        shown={
            "unit/enclave/test_ports.py": (
                "test_random_bytes_are_as_many_as_asked_and_never_the_same",
            ),
        },
    ),
    Concept.TIME: Row(
        does="The host provides the time, as an `UntrustedTime`. It is no number, "
        "and code cannot compare two of them. The system measures the "
        "processor time of a call.",
        shown={
            "unit/toolkit/interfaces/test_interface.py": (
                "test_a_time_of_the_hosts_is_no_number_and_has_no_order",
            ),
            "unit/toolkit/enclave/test_dispatcher.py": (
                "test_a_hosts_time_stays_a_hosts_time",
            ),
        },
    ),
    Concept.SECRECY: Row(
        does="The owner of the machine can read the memory, which is not "
        "encrypted. Against others, the enclave is a separate process without "
        "files, sockets, privileges or core dumps, to which no debugger can "
        "attach. Arguments, environment and logs contain no secret.",
        shown={
            "e2e/test_isolation.py": (
                "test_nothing_it_tries_succeeds",
                "test_what_it_was_started_with_holds_no_secret",
            ),
            "unit/enclave/isolation/test_confinement.py": (
                "test_an_isolated_process_leaves_no_core_and_cannot_be_attached_to",
            ),
            "e2e/test_canaries.py": ("test_no_private_key_is_anywhere",),
        },
    ),
    Concept.CRASH: Row(
        does="A defect ends the enclave. The enclave sends no answer of an "
        "unfinished call. The host learns the kind of error and its place, "
        "without a value, and every later call raises `EnclaveAborted`. A "
        "node's host stops the node.",
        shown={
            "unit/toolkit/enclave/test_dispatcher.py": (
                "test_a_defect_leaves_the_enclave_without_an_answer_to_anybody",
            ),
            "unit/toolkit/host/test_hosted.py": (
                "test_after_a_defect_every_call_says_that_the_enclave_aborted",
            ),
            "unit/enclave/test_loop.py": ("test_a_crash_is_reported_without_values",),
            "e2e/test_processes.py": ("test_the_host_stops_when_its_enclave_dies",),
        },
    ),
    Concept.SERVICE: Row(
        does="Tokens of Azure Attestation are verified by their issuer's keys "
        "(`ccfpy attest`). A stand-in makes such tokens for tests.",
        shown={
            "unit/client/test_maa.py": (
                "test_an_issuers_word_is_taken_for_an_enclave",
            ),
            "unit/cli/test_attest.py": (
                "test_a_token_is_told_and_verified_by_its_issuers_keys",
            ),
        },
    ),
}
