export interface paths {
    "/node/api": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** OpenAPI schema */
        get: operations["GetNodeApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/api/page": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The service's OpenAPI documents as a page for people */
        get: operations["GetNodeApiPage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/attestations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the attestation evidence of trusted nodes */
        get: operations["GetNodeAttestations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/attestations/self": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with this node's attestation evidence */
        get: operations["GetNodeAttestationsSelf"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer 200 where a backup is */
        get: operations["GetNodeBackup"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/commit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Current commit level
         * @description The last transaction that the service committed
         */
        get: operations["GetNodeCommit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the nodes that take part in consensus and where they are reached */
        get: operations["GetNodeConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/consensus": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the state of consensus at this node */
        get: operations["GetNodeConsensus"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/index/strategies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the indexes that this node keeps of the ledger, and how far each is */
        get: operations["GetNodeIndexStrategies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/js_metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the limits of JavaScript, and the size of the compiled app
         * @description ``bytecode_used`` says whether the bytecode in the tables is of this engine's version, which is what CCF's clients compare. This node compiles every script from its source nevertheless, and never reads bytecode from a table (ADR 4).
         */
        get: operations["GetNodeJsMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/jwt_keys/refresh/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count how often this node fetched the keys of token issuers */
        get: operations["GetNodeJwtKeysRefreshMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/memory": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the memory that the enclave uses, and the most it may use */
        get: operations["GetNodeMemory"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count sessions and unreadable requests, by interface */
        get: operations["GetNodeMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the service's status, identity and primary */
        get: operations["GetNodeNetwork"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the nodes, all or by host, port and status */
        get: operations["GetNodeNetworkNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network/nodes/primary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Describe the primary */
        get: operations["GetNodeNetworkNodesPrimary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network/nodes/self": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Describe the node that answers, which may not be entered yet */
        get: operations["GetNodeNetworkNodesSelf"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network/nodes/{node_id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: string;
            };
            cookie?: never;
        };
        /** Describe a node */
        get: operations["GetNodeNetworkNodesNodeId"];
        put?: never;
        post?: never;
        /** Forget a node whose retirement is final everywhere */
        delete: operations["DeleteNodeNetworkNodesNodeId"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/network/removable_nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List retired nodes that no quorum will ever need again */
        get: operations["GetNodeNetworkRemovableNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/primary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer 200 where the primary is */
        get: operations["GetNodePrimary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        /** Answer 200 where the primary is, and elsewhere say where it is */
        head: operations["HeadNodePrimary"];
        patch?: never;
        trace?: never;
    };
    "/node/quotes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the attestation evidence of trusted nodes */
        get: operations["GetNodeQuotes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/quotes/self": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with this node's attestation evidence */
        get: operations["GetNodeQuotesSelf"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/ready/app": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer 204 while users' requests are welcome, else 503 */
        get: operations["GetNodeReadyApp"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/ready/gov": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer 204 while members' requests are welcome, else 503 */
        get: operations["GetNodeReadyGov"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Receipt for a transaction
         * @description The service's signed statement that the transaction is in its ledger
         */
        get: operations["GetNodeReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/self_signed_certificate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with this node's self-signed certificate */
        get: operations["GetNodeSelfSignedCertificate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/service/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the configuration of the whole service */
        get: operations["GetNodeServiceConfiguration"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/service/previous_identity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the certificate of the service that this one recovered */
        get: operations["GetNodeServicePreviousIdentity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/state": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the state of this node */
        get: operations["GetNodeState"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/tx": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Current status of a transaction
         * @description One of Unknown, Pending, Committed or Invalid.
         */
        get: operations["GetNodeTx"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/node/version": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer with the version of CCF that this node is compatible with */
        get: operations["GetNodeVersion"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Attestation: {
            endorsements: components["schemas"]["base64string"];
            format: components["schemas"]["QuoteFormat"];
            measurement?: components["schemas"]["string"];
            node_id: components["schemas"]["NodeId"];
            raw: components["schemas"]["base64string"];
            uvm_endorsements?: components["schemas"]["base64string"];
        };
        Attestation_array: components["schemas"]["Attestation"][];
        /** @enum {string} */
        Authority: "Node" | "Service" | "ACME" | "Unsecured";
        CCFError: {
            error?: {
                /** @description A word for programs to tell errors apart by. */
                code?: string;
                /** @description What went wrong, for people. */
                message?: string;
            };
        };
        Configuration: {
            idx: components["schemas"]["uint64"];
            nodes: components["schemas"]["NodeId_to_Configuration__NodeInfo"];
            rid: components["schemas"]["uint64"];
        };
        Configuration__NodeInfo: {
            address: components["schemas"]["string"];
        };
        Configuration_array: components["schemas"]["Configuration"][];
        ConsensusConfigDetails: {
            details: components["schemas"]["ConsensusDetails"];
        };
        ConsensusDetails: {
            acks: components["schemas"]["NodeId_to_ConsensusDetails__Ack"];
            configs: components["schemas"]["Configuration_array"];
            current_view: components["schemas"]["uint64"];
            leadership_state?: components["schemas"]["LeadershipState"];
            learners?: components["schemas"]["NodeId_to_uint64"];
            membership_state: components["schemas"]["MembershipState"];
            primary_id: components["schemas"]["NodeId"];
            reconfiguration_type?: components["schemas"]["ReconfigurationType"];
            retirement_phase?: components["schemas"]["RetirementPhase"];
            ticking: components["schemas"]["boolean"];
        };
        ConsensusDetails__Ack: {
            last_received_ms: components["schemas"]["uint64"];
            seqno: components["schemas"]["uint64"];
        };
        ConsensusNodeConfig: {
            address: components["schemas"]["string"];
        };
        /** @enum {string} */
        ConsensusType: "CFT" | "BFT";
        Endorsement: {
            authority: components["schemas"]["Authority"];
        };
        GetAttestations__Out: {
            attestations: components["schemas"]["Attestation_array"];
        };
        GetCommit__Out: {
            transaction_id: components["schemas"]["TransactionId"];
            view_history?: components["schemas"]["TransactionId_array"];
        };
        GetNetworkInfo__Out: {
            current_service_create_txid: components["schemas"]["TransactionId"];
            current_view: components["schemas"]["uint64"];
            primary_id: components["schemas"]["NodeId"];
            recovery_count: components["schemas"]["uint64"];
            service_certificate: components["schemas"]["Pem"];
            service_data: components["schemas"]["json"];
            service_status: components["schemas"]["ServiceStatus"];
        };
        GetNode__NodeInfo: {
            last_written: components["schemas"]["uint64"];
            node_data: components["schemas"]["json"];
            node_id: components["schemas"]["NodeId"];
            primary: components["schemas"]["boolean"];
            rpc_interfaces: components["schemas"]["string_to_NodeInfoNetwork_v2__NetInterface"];
            status: components["schemas"]["NodeStatus"];
        };
        GetNode__NodeInfo_array: components["schemas"]["GetNode__NodeInfo"][];
        GetNodes__Out: {
            nodes: components["schemas"]["GetNode__NodeInfo_array"];
        };
        GetQuotes__Out: {
            quotes: components["schemas"]["Quote_array"];
        };
        GetServicePreviousIdentity__Out: {
            previous_service_identity: components["schemas"]["Pem"];
        };
        GetState__Out: {
            last_recovered_seqno?: components["schemas"]["uint64"];
            last_signed_seqno: components["schemas"]["uint64"];
            node_id: components["schemas"]["NodeId"];
            recovery_target_seqno?: components["schemas"]["uint64"];
            startup_seqno: components["schemas"]["uint64"];
            state: components["schemas"]["ccf__NodeStartupState"];
            stop_notice: components["schemas"]["boolean"];
        };
        GetTxStatus__Out: {
            status: components["schemas"]["TxStatus"];
            transaction_id: components["schemas"]["TransactionId"];
        };
        GetVersion__Out: {
            ccf_version: components["schemas"]["string"];
            quickjs_version: components["schemas"]["string"];
            unsafe: components["schemas"]["boolean"];
        };
        JWTRefreshMetrics: {
            attempts: components["schemas"]["uint64"];
            failures: components["schemas"]["uint64"];
            successes: components["schemas"]["uint64"];
        };
        JavaScriptMetrics: {
            bytecode_size: components["schemas"]["uint64"];
            bytecode_used: components["schemas"]["boolean"];
            max_cached_interpreters: components["schemas"]["uint64"];
            max_execution_time: components["schemas"]["uint64"];
            max_heap_size: components["schemas"]["uint64"];
            max_stack_size: components["schemas"]["uint64"];
        };
        /** @enum {string} */
        LeadershipState: "None" | "Follower" | "PreVoteCandidate" | "Candidate" | "Leader";
        /** @enum {string} */
        MembershipState: "Active" | "Retired";
        MemoryUsage__Out: {
            current_allocated_heap_size: components["schemas"]["uint64"];
            max_total_heap_size: components["schemas"]["uint64"];
            peak_allocated_heap_size: components["schemas"]["uint64"];
        };
        /** Format: hex */
        NodeId: string;
        NodeId_to_Configuration__NodeInfo: {
            [key: string]: components["schemas"]["Configuration__NodeInfo"];
        };
        NodeId_to_ConsensusDetails__Ack: {
            [key: string]: components["schemas"]["ConsensusDetails__Ack"];
        };
        NodeId_to_uint64: {
            [key: string]: components["schemas"]["uint64"];
        };
        NodeInfoNetwork_v2__NetInterface: {
            accepted_endpoints?: components["schemas"]["string_array"];
            app_protocol?: components["schemas"]["string"];
            bind_address: components["schemas"]["string"];
            endorsement?: components["schemas"]["Endorsement"];
            forwarding_timeout_ms?: components["schemas"]["uint64"];
            http_configuration?: components["schemas"]["ParserConfiguration"];
            max_open_sessions_hard?: components["schemas"]["uint64"];
            max_open_sessions_soft?: components["schemas"]["uint64"];
            protocol?: components["schemas"]["string"];
            published_address?: components["schemas"]["string"];
            redirections?: components["schemas"]["NodeInfoNetwork_v2__NetInterface__Redirections"];
        };
        NodeInfoNetwork_v2__NetInterface__Redirections: {
            to_backup?: components["schemas"]["RedirectionResolverConfig"];
            to_primary?: components["schemas"]["RedirectionResolverConfig"];
        };
        NodeMetrics: {
            sessions: components["schemas"]["SessionMetrics"];
        };
        /** @enum {string} */
        NodeStatus: "Pending" | "Trusted" | "Retired";
        ParserConfiguration: {
            initial_window_size?: components["schemas"]["TimeString"];
            max_body_size?: components["schemas"]["TimeString"];
            max_concurrent_streams_count?: components["schemas"]["uint64"];
            max_frame_size?: components["schemas"]["TimeString"];
            max_header_size?: components["schemas"]["TimeString"];
            max_headers_count?: components["schemas"]["uint32"];
        };
        Pem: string;
        Quote: {
            endorsements: components["schemas"]["base64string"];
            format: components["schemas"]["QuoteFormat"];
            measurement?: components["schemas"]["string"];
            node_id: components["schemas"]["NodeId"];
            raw: components["schemas"]["base64string"];
            uvm_endorsements?: components["schemas"]["base64string"];
        };
        /** @enum {string} */
        QuoteFormat: "OE_SGX_v1" | "Insecure_Virtual" | "AMD_SEV_SNP_v1";
        Quote_array: components["schemas"]["Quote"][];
        /** @enum {string} */
        ReconfigurationType: "OneTransaction" | "TwoTransaction";
        /** @enum {string} */
        RedirectionResolutionKind: "NodeByRole" | "StaticAddress";
        RedirectionResolverConfig: {
            kind: components["schemas"]["RedirectionResolutionKind"];
            target?: components["schemas"]["json"];
        };
        /** @enum {string} */
        RetirementPhase: "Ordered" | "Signed" | "Completed" | "RetiredCommitted";
        SelfSignedNodeCertificateInfo: {
            self_signed_certificate: components["schemas"]["Pem"];
        };
        ServiceConfiguration: {
            consensus?: components["schemas"]["ConsensusType"];
            maximum_node_certificate_validity_days?: components["schemas"]["uint64"];
            maximum_service_certificate_validity_days?: components["schemas"]["uint64"];
            recent_cose_proposals_window_size?: components["schemas"]["uint64"];
            reconfiguration_type?: components["schemas"]["ReconfigurationType"];
            recovery_threshold: components["schemas"]["uint64"];
        };
        /** @enum {string} */
        ServiceStatus: "Opening" | "Open" | "WaitingForRecoveryShares" | "Recovering";
        SessionMetrics: {
            active: components["schemas"]["uint64"];
            interfaces: components["schemas"]["string_to_SessionMetrics__PerInterface"];
            peak: components["schemas"]["uint64"];
        };
        SessionMetrics__Errors: {
            parsing: components["schemas"]["uint64"];
            request_header_too_large: components["schemas"]["uint64"];
            request_payload_too_large: components["schemas"]["uint64"];
        };
        SessionMetrics__PerInterface: {
            active: components["schemas"]["uint64"];
            errors: components["schemas"]["SessionMetrics__Errors"];
            hard_cap: components["schemas"]["uint64"];
            peak: components["schemas"]["uint64"];
            soft_cap: components["schemas"]["uint64"];
        };
        TimeString: string;
        TransactionId: string;
        TransactionId_array: components["schemas"]["TransactionId"][];
        /** @enum {string} */
        TxStatus: "Unknown" | "Pending" | "Committed" | "Invalid";
        /** Format: base64 */
        base64string: string;
        boolean: boolean;
        /** @enum {string} */
        ccf__NodeStartupState: "Uninitialized" | "Initialized" | "Pending" | "PartOfPublicNetwork" | "PartOfNetwork" | "ReadingPublicLedger" | "ReadingPrivateLedger";
        json: unknown;
        string: string;
        string_array: components["schemas"]["string"][];
        string_to_ConsensusNodeConfig: {
            [key: string]: components["schemas"]["ConsensusNodeConfig"];
        };
        string_to_NodeInfoNetwork_v2__NetInterface: {
            [key: string]: components["schemas"]["NodeInfoNetwork_v2__NetInterface"];
        };
        string_to_SessionMetrics__PerInterface: {
            [key: string]: components["schemas"]["SessionMetrics__PerInterface"];
        };
        uint32: number;
        uint64: number;
    };
    responses: {
        /** @description An error, and which. */
        default: {
            headers: {
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["CCFError"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description The transaction that was written, or whose state was read. */
        TransactionId: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    GetNodeApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["json"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeApiPage: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description There is nothing to tell. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeAttestations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetAttestations__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeAttestationsSelf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Attestation"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeBackup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeCommit: {
        parameters: {
            query?: {
                view_history?: components["schemas"]["boolean"];
                view_history_since?: components["schemas"]["uint64"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetCommit__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["string_to_ConsensusNodeConfig"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeConsensus: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsensusConfigDetails"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeIndexStrategies: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["json"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeJsMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JavaScriptMetrics"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeJwtKeysRefreshMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JWTRefreshMetrics"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeMemory: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MemoryUsage__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeMetrics"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNetworkInfo__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetworkNodes: {
        parameters: {
            query?: {
                host?: components["schemas"]["string"];
                port?: components["schemas"]["string"];
                status?: "Pending" | "Trusted" | "Retired";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNodes__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetworkNodesPrimary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNode__NodeInfo"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetworkNodesSelf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNode__NodeInfo"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetworkNodesNodeId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNode__NodeInfo"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    DeleteNodeNetworkNodesNodeId: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                node_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["boolean"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeNetworkRemovableNodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetNodes__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodePrimary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    HeadNodePrimary: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeQuotes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetQuotes__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeQuotesSelf: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quote"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeReadyApp: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeReadyGov: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeReceipt: {
        parameters: {
            query: {
                transaction_id: components["schemas"]["TransactionId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["json"];
                };
            };
            /** @description How it stands, for people. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeSelfSignedCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SelfSignedNodeCertificateInfo"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeServiceConfiguration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceConfiguration"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeServicePreviousIdentity: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetServicePreviousIdentity__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeState: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetState__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeTx: {
        parameters: {
            query: {
                transaction_id: components["schemas"]["TransactionId"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetTxStatus__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetNodeVersion: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GetVersion__Out"];
                };
            };
            default: components["responses"]["default"];
        };
    };
}
