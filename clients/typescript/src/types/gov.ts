export interface paths {
    "/gov/members/proposals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return every proposal that is not forgotten yet. */
        get: operations["Proposals_List"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals/{proposalId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe one proposal. */
        get: operations["Proposals_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals/{proposalId}/actions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return what a proposer signed, byte for byte. */
        get: operations["Proposals_GetActions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals/{proposalId}/ballots/{memberId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return a member's ballot. */
        get: operations["Ballots_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals/{proposalId}/ballots/{memberId}:submit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Record a member's ballot, and let the constitution resolve the proposal. */
        post: operations["Ballots_Submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals/{proposalId}:withdraw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Withdraw an open proposal at its proposer's request. */
        post: operations["Proposals_Withdraw"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/proposals:create": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Record a proposal, and ask the constitution to validate and resolve it. */
        post: operations["Proposals_Create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/state-digests/{memberId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return the digest that a member was last asked to sign. */
        get: operations["StateDigests_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/state-digests/{memberId}:ack": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Record a member's signature over the digest, and make the member Active. */
        post: operations["StateDigests_Acknowledge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/members/state-digests/{memberId}:update": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Ask a member to sign the root of the last signature. */
        post: operations["StateDigests_Update"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/recovery/encrypted-shares/{memberId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return a member's recovery share, encrypted to that member. */
        get: operations["EncryptedShares_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/recovery/members/{memberId}:recover": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** @description Store a member's decrypted share; start the recovery if there are enough. */
        post: operations["Shares_Submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/constitution": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return the constitution's source. */
        get: operations["ServiceState_GetConstitution"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/info": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe the service. */
        get: operations["ServiceState_GetServiceInfo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/javascript-app": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe the JavaScript application's endpoints. */
        get: operations["ServiceState_GetJsApp"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/javascript-modules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return the names of the JavaScript application's modules. */
        get: operations["ServiceState_ListJsModules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/javascript-modules/{moduleName}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return a module's source. */
        get: operations["ServiceState_GetJsModule"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/join-policy": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return which code may join, by platform. */
        get: operations["ServiceState_GetJoinPolicies"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/jwk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return whose tokens the application accepts, and by which keys. */
        get: operations["ServiceState_GetJwkInfo"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/members": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe every member. */
        get: operations["ServiceState_ListMembers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/members/{memberId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe one member. */
        get: operations["ServiceState_GetMember"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/nodes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe every node. */
        get: operations["ServiceState_ListNodes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/nodes/{nodeId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe one node. */
        get: operations["ServiceState_GetNode"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/transactions/commit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return the id of the last committed transaction. */
        get: operations["Transactions_GetCommit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/transactions/{transactionId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Return the status of a transaction. */
        get: operations["Transactions_Get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe every user. */
        get: operations["ServiceState_ListUsers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/gov/service/users/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description Describe one user. */
        get: operations["ServiceState_GetUser"];
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
        "Acks.StateDigest": {
            memberId: components["schemas"]["memberId"];
            stateDigest: string;
        };
        "Azure.Core.Foundations.Error": {
            code: string;
            details?: components["schemas"]["Azure.Core.Foundations.Error"][];
            innererror?: components["schemas"]["Azure.Core.Foundations.InnerError"];
            message: string;
            target?: string;
        };
        "Azure.Core.Foundations.ErrorResponse": {
            error: components["schemas"]["Azure.Core.Foundations.Error"];
        };
        "Azure.Core.Foundations.InnerError": {
            code?: string;
            innererror?: components["schemas"]["Azure.Core.Foundations.InnerError"];
        };
        PagedJsModuleNames: {
            /** Format: uri */
            nextLink?: string;
            value: components["schemas"]["ServiceState.JsModuleNames"][];
        };
        PagedMember: {
            /** Format: uri */
            nextLink?: string;
            value: components["schemas"]["ServiceState.Member"][];
        };
        PagedNode: {
            /** Format: uri */
            nextLink?: string;
            value: components["schemas"]["ServiceState.Node"][];
        };
        PagedProposal: {
            /** Format: uri */
            nextLink?: string;
            value: components["schemas"]["Proposals.Proposal"][];
        };
        PagedUser: {
            /** Format: uri */
            nextLink?: string;
            value: components["schemas"]["ServiceState.User"][];
        };
        "Proposals.Action": {
            args?: unknown;
            name: string;
        };
        "Proposals.Ballot": string;
        "Proposals.FailureInfo": {
            reason: string;
            trace?: string;
        };
        "Proposals.MemberVotes": {
            [key: string]: boolean;
        };
        "Proposals.Proposal": {
            ballotCount: components["schemas"]["safeuint"];
            failure?: components["schemas"]["Proposals.FailureInfo"];
            finalVotes?: components["schemas"]["Proposals.MemberVotes"];
            proposalId: components["schemas"]["proposalId"];
            proposalState: components["schemas"]["Proposals.ProposalState"];
            proposerId: components["schemas"]["memberId"];
            voteFailures?: components["schemas"]["Proposals.VoteFailures"];
        };
        "Proposals.ProposalActions": {
            actions: components["schemas"]["Proposals.Action"][];
        };
        /** @enum {string} */
        "Proposals.ProposalState": "Open" | "Accepted" | "Withdrawn" | "Rejected" | "Failed" | "Dropped";
        "Proposals.VoteFailures": {
            [key: string]: components["schemas"]["Proposals.FailureInfo"];
        };
        "Recovery.EncryptedRecoveryShare": {
            /** Format: byte */
            encryptedShare: string;
            memberId: components["schemas"]["memberId"];
        };
        "Recovery.RecoveryResponse": {
            fullKeySubmitted: boolean;
            message: string;
            recoveryThreshold: components["schemas"]["safeuint"];
            submittedCount: components["schemas"]["safeuint"];
        };
        "Recovery.RecoveryShare": {
            /** Format: byte */
            share: string;
        };
        "ServiceState.ConstitutionResponse": string;
        "ServiceState.FeedInfo": {
            svn: string;
        };
        /** @enum {string} */
        "ServiceState.ForwardingRequired": "sometimes" | "always" | "never";
        "ServiceState.JoinPolicies": {
            sgx: components["schemas"]["ServiceState.JoinPolicy"];
            snp: components["schemas"]["ServiceState.SnpJoinPolicy"];
            virtual: components["schemas"]["ServiceState.VirtualJoinPolicy"];
        };
        "ServiceState.JoinPolicy": {
            measurements: string[];
        };
        "ServiceState.JsApp": {
            endpoints: {
                [key: string]: components["schemas"]["ServiceState.JsOperations"];
            };
        };
        "ServiceState.JsEndpointInfo": {
            authnPolicies: unknown[];
            forwardingRequired: components["schemas"]["ServiceState.ForwardingRequired"];
            jsFunction: string;
            jsModule: string;
            mode: components["schemas"]["ServiceState.JsExecMode"];
            openApi: unknown;
            /** @enum {string} */
            redirectionStrategy: "none" | "to_primary" | "to_backup";
        };
        /** @enum {string} */
        "ServiceState.JsExecMode": "readwrite" | "readonly" | "historical";
        "ServiceState.JsModuleNames": {
            moduleName: string;
        };
        "ServiceState.JsModuleResponse": string;
        "ServiceState.JsOperations": {
            [key: string]: components["schemas"]["ServiceState.JsEndpointInfo"];
        };
        "ServiceState.Jwk": {
            constraint?: unknown;
            issuer: string;
            publicKey: components["schemas"]["ServiceState.pem"];
        };
        "ServiceState.JwkInfo": {
            caCertBundles: {
                [key: string]: components["schemas"]["ServiceState.caCertBundle"];
            };
            issuers: {
                [key: string]: components["schemas"]["ServiceState.JwtIssuer"];
            };
            keys: {
                [key: string]: components["schemas"]["ServiceState.Jwk"][];
            };
        };
        "ServiceState.JwtIssuer": {
            autoRefresh: boolean;
            caCertBundleName?: string;
        };
        "ServiceState.Member": {
            certificate?: components["schemas"]["ServiceState.pem"];
            memberData?: unknown;
            memberId: components["schemas"]["memberId"];
            publicEncryptionKey?: components["schemas"]["ServiceState.pem"];
            /** @enum {string} */
            recoveryRole: "NonParticipant" | "Participant" | "Owner";
            status: components["schemas"]["ServiceState.MemberStatus"];
        };
        /** @enum {string} */
        "ServiceState.MemberStatus": "Accepted" | "Active";
        "ServiceState.NetworkInterface": {
            protocol?: string;
            publishedAddress: string;
        };
        "ServiceState.Node": {
            certificate?: components["schemas"]["ServiceState.pem"];
            nodeData?: unknown;
            nodeId: components["schemas"]["nodeId"];
            quoteInfo: components["schemas"]["ServiceState.QuoteInfo"];
            retiredCommitted: boolean;
            rpcInterfaces: {
                [key: string]: components["schemas"]["ServiceState.NetworkInterface"];
            };
            status: components["schemas"]["ServiceState.NodeStatus"];
        };
        /** @enum {string} */
        "ServiceState.NodeStatus": "Pending" | "Trusted" | "Retired";
        "ServiceState.QuoteInfo": {
            details?: {
                hostData?: string;
                measurement?: string;
                reportData?: string;
            };
            /** Format: byte */
            endorsedTcb?: string;
            /** Format: byte */
            endorsements?: string;
            /** @enum {string} */
            format: "OE_SGX_v1" | "Insecure_Virtual" | "AMD_SEV_SNP_v1";
            /** Format: byte */
            quote?: string;
            /** Format: byte */
            rawQuote?: string;
            /** Format: byte */
            uvmEndorsements?: string;
        };
        "ServiceState.ServiceInfo": {
            certificate: components["schemas"]["ServiceState.pem"];
            configuration?: {
                maximumNodeCertificateValidityDays: components["schemas"]["safeuint"];
                maximumServiceCertificateValidityDays: components["schemas"]["safeuint"];
                recentCoseProposalsWindowSize: components["schemas"]["safeuint"];
                recoveryThreshold: components["schemas"]["safeuint"];
            };
            creationTransactionId?: components["schemas"]["transactionId"];
            previousServiceCreationTransactionId?: components["schemas"]["transactionId"];
            recoveryCount: components["schemas"]["safeuint"];
            serviceData?: unknown;
            status: components["schemas"]["ServiceState.ServiceStatus"];
        };
        /** @enum {string} */
        "ServiceState.ServiceStatus": "Opening" | "Open" | "WaitingForRecoveryShares" | "Recovering";
        "ServiceState.SnpJoinPolicy": {
            hostData: {
                [key: string]: string;
            };
            measurements: string[];
            tcbVersions: {
                [key: string]: components["schemas"]["ServiceState.TcbVersion"];
            };
            uvmEndorsements: {
                [key: string]: components["schemas"]["ServiceState.UvmEndorsementFeeds"];
            };
        };
        "ServiceState.TcbVersion": {
            boot_loader?: number;
            fmc?: number;
            hexstring?: string;
            microcode?: number;
            snp?: number;
            tee?: number;
        };
        "ServiceState.User": {
            certificate: components["schemas"]["ServiceState.pem"];
            userData?: unknown;
            userId: components["schemas"]["userId"];
        };
        "ServiceState.UvmEndorsementFeeds": {
            [key: string]: components["schemas"]["ServiceState.FeedInfo"];
        };
        "ServiceState.VirtualJoinPolicy": {
            hostData: string[];
            measurements: string[];
        };
        "ServiceState.caCertBundle": string;
        "ServiceState.pem": string;
        "Transactions.CommittedTransaction": {
            status: components["schemas"]["Transactions.TransactionStatus"];
            transactionId: components["schemas"]["transactionId"];
        };
        "Transactions.Transaction": {
            status: components["schemas"]["Transactions.TransactionStatus"];
            transactionId: components["schemas"]["transactionId"];
        };
        /** @enum {string} */
        "Transactions.TransactionStatus": "Unknown" | "Pending" | "Committed" | "Invalid";
        /** @enum {string} */
        Versions: "2024-07-01";
        memberId: string;
        nodeId: string;
        proposalId: string;
        /** Format: int64 */
        safeuint: number;
        transactionId: string;
        userId: string;
    };
    responses: never;
    parameters: {
        /** @description The version of the API that the request speaks. */
        "Azure.Core.Foundations.ApiVersionParameter": "2024-07-01";
    };
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    Proposals_List: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PagedProposal"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Proposals_Get: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                proposalId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.Proposal"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Proposals_GetActions: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                proposalId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.ProposalActions"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Ballots_Get: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                proposalId: string;
                memberId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.Ballot"];
                    "text/javascript": components["schemas"]["Proposals.Ballot"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Ballots_Submit: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                proposalId: string;
                memberId: string;
            };
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.Proposal"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Proposals_Withdraw: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                proposalId: string;
            };
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.Proposal"];
                };
            };
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Proposals_Create: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Proposals.Proposal"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    StateDigests_Get: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acks.StateDigest"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    StateDigests_Acknowledge: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    StateDigests_Update: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acks.StateDigest"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    EncryptedShares_Get: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recovery.EncryptedRecoveryShare"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Shares_Submit: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        /** @description A COSE_Sign1 by a member, with the headers CCF asks for. */
        requestBody: {
            content: {
                "application/cose": string;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recovery.RecoveryResponse"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetConstitution: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.ConstitutionResponse"];
                    "text/javascript": components["schemas"]["ServiceState.ConstitutionResponse"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetServiceInfo: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.ServiceInfo"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetJsApp: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.JsApp"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_ListJsModules: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PagedJsModuleNames"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetJsModule: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                moduleName: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.JsModuleResponse"];
                    "text/javascript": components["schemas"]["ServiceState.JsModuleResponse"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetJoinPolicies: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.JoinPolicies"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetJwkInfo: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.JwkInfo"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_ListMembers: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PagedMember"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetMember: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                memberId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.Member"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_ListNodes: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PagedNode"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetNode: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                nodeId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.Node"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Transactions_GetCommit: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    "application/json": components["schemas"]["Transactions.CommittedTransaction"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    Transactions_Get: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                transactionId: string;
            };
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
                    "application/json": components["schemas"]["Transactions.Transaction"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_ListUsers: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
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
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PagedUser"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
    ServiceState_GetUser: {
        parameters: {
            query: {
                /** @description The version of the API that the request speaks. */
                "api-version": components["parameters"]["Azure.Core.Foundations.ApiVersionParameter"];
            };
            header?: never;
            path: {
                userId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description The transaction that was written, or whose state was read. */
                    "x-ms-ccf-transaction-id"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceState.User"];
                };
            };
            /** @description An error. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Azure.Core.Foundations.ErrorResponse"];
                };
            };
        };
    };
}
