export interface paths {
    "/app/api": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** OpenAPI schema */
        get: operations["GetAppApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/commit": {
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
        get: operations["GetAppCommit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/cose_signatures_config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read what the service's COSE signatures claim of themselves. */
        get: operations["GetAppCoseSignaturesConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/custom_auth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Repeat what the caller says of itself. */
        get: operations["GetAppCustomAuth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/cose_signed_content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Repeat what a member signed. */
        post: operations["PostAppLogCoseSignedContent"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a message. */
        get: operations["GetAppLogPrivate"];
        put?: never;
        /** Keep a message. */
        post: operations["PostAppLogPrivate"];
        /** Remove a message, and tell whether there was one. */
        delete: operations["DeleteAppLogPrivate"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/admin_only": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep a message of a user whom the consortium made an administrator. */
        post: operations["PostAppLogPrivateAdminOnly"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove every message. */
        delete: operations["DeleteAppLogPrivateAll"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/anonymous": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep a message of nobody in particular. */
        post: operations["PostAppLogPrivateAnonymous"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/anonymous/v2": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep a message, and tell its transaction's id. */
        post: operations["PostAppLogPrivateAnonymousV2"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a message. */
        get: operations["GetAppLogPrivateBackup"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/committed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a message as it was committed, since that is kept. */
        get: operations["GetAppLogPrivateCommitted"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count the messages, as the primary sees them. */
        get: operations["GetAppLogPrivateCount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/historical": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a message as a transaction wrote it; 204 if it did not. */
        get: operations["GetAppLogPrivateHistorical"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/historical/handle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the receipt of a transaction, under a handle of the caller's choice. */
        get: operations["GetAppLogPrivateHistoricalHandle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/historical/sparse": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what a message was at any transactions that wrote it. */
        get: operations["GetAppLogPrivateHistoricalSparse"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/historical_receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a message as a transaction wrote it, with the receipt. */
        get: operations["GetAppLogPrivateHistoricalReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/install_committed_index": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begin to keep private messages as they are committed from now on. */
        post: operations["PostAppLogPrivateInstallCommittedIndex"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/prefix_cert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep a message in the caller's name. */
        post: operations["PostAppLogPrivatePrefixCert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/raw_text/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep the body itself as a message. */
        post: operations["PostAppLogPrivateRawTextId"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/private/uninstall_committed_index": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Forget them. */
        post: operations["PostAppLogPrivateUninstallCommittedIndex"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a public message, if the caller's condition asks for it. */
        get: operations["GetAppLogPublic"];
        put?: never;
        /** Keep a message for all to see, unless the caller's condition fails. */
        post: operations["PostAppLogPublic"];
        /** Remove a public message, and tell whether there was one. */
        delete: operations["DeleteAppLogPublic"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/all": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove every public message. */
        delete: operations["DeleteAppLogPublicAll"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a public message, if the caller's condition asks for it. */
        get: operations["GetAppLogPublicBackup"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/cbor_merkle_proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prove that a transaction is under its signed root, in CBOR. */
        get: operations["GetAppLogPublicCborMerkleProof"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/cose_endorsements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the endorsements from today's service to a transaction's signer. */
        get: operations["GetAppLogPublicCoseEndorsements"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/cose_receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the receipt of a transaction as COSE. */
        get: operations["GetAppLogPublicCoseReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/cose_signature": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read the service's signature over the root that a transaction is under. */
        get: operations["GetAppLogPublicCoseSignature"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/count": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Count the public messages, as the primary sees them. */
        get: operations["GetAppLogPublicCount"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/historical/range": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List what a public message was, transaction by transaction. */
        get: operations["GetAppLogPublicHistoricalRange"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/public/historical_receipt": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a public message as a transaction wrote it, with the receipt.
         * @description The receipt withholds the claims digest: a verifier computes the digest from the
         *     message, and so proves the message too.
         */
        get: operations["GetAppLogPublicHistoricalReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/log/request_query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Repeat the query string, percent-decoded as a whole. */
        get: operations["GetAppLogRequestQuery"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/multi_auth": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Describe the caller. */
        post: operations["PostAppMultiAuth"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/receipt": {
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
        get: operations["GetAppReceipt"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/app/tx": {
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
        get: operations["GetAppTx"];
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
        CCFError: {
            error?: {
                /** @description A word for programs to tell errors apart by. */
                code?: string;
                /** @description What went wrong, for people. */
                message?: string;
            };
        };
        Endorsements: {
            endorsements: components["schemas"]["base64string_array"];
        };
        Entry: {
            id: components["schemas"]["uint64"];
            msg: components["schemas"]["string"];
            seqno: components["schemas"]["uint64"];
        };
        Entry_array: components["schemas"]["Entry"][];
        GetCommit__Out: {
            transaction_id: components["schemas"]["TransactionId"];
            view_history?: components["schemas"]["TransactionId_array"];
        };
        GetTxStatus__Out: {
            status: components["schemas"]["TxStatus"];
            transaction_id: components["schemas"]["TransactionId"];
        };
        Message: {
            msg: components["schemas"]["string"];
        };
        Page: {
            "@nextLink"?: components["schemas"]["string"] | null;
            entries: components["schemas"]["Entry_array"];
        };
        Proved: {
            msg: components["schemas"]["string"];
            receipt: components["schemas"]["json"];
        };
        Record: {
            id: components["schemas"]["uint64"];
            msg: components["schemas"]["string"];
            record_claim?: components["schemas"]["boolean"];
        };
        Recorded: {
            success: components["schemas"]["boolean"];
            tx_id: components["schemas"]["string"];
        };
        Signature: {
            cose_signature: components["schemas"]["base64string"];
        };
        TransactionId: string;
        TransactionId_array: components["schemas"]["TransactionId"][];
        /** @enum {string} */
        TxStatus: "Unknown" | "Pending" | "Committed" | "Invalid";
        /** Format: base64 */
        base64string: string;
        base64string_array: components["schemas"]["base64string"][];
        boolean: boolean;
        json: unknown;
        string: string;
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
    GetAppApi: {
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
    GetAppCommit: {
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
    GetAppCoseSignaturesConfig: {
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
    GetAppCustomAuth: {
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
    PostAppLogCoseSignedContent: {
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
                    "text/plain": components["schemas"]["string"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPrivate: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["Message"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    PostAppLogPrivate: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
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
    DeleteAppLogPrivate: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["boolean"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    PostAppLogPrivateAdminOnly: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
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
    DeleteAppLogPrivateAll: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["boolean"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    PostAppLogPrivateAnonymous: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
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
    PostAppLogPrivateAnonymousV2: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
                fail?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    "x-ms-ccf-transaction-id": components["headers"]["TransactionId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recorded"];
                };
            };
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPrivateBackup: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["Message"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPrivateCommitted: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
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
                    "application/json": components["schemas"]["Message"];
                };
            };
            /** @description How it stands, for people. */
            412: {
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
    GetAppLogPrivateCount: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["uint64"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPrivateHistorical: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
            };
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
                    "application/json": components["schemas"]["Message"];
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
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPrivateHistoricalHandle: {
        parameters: {
            query: {
                handle: components["schemas"]["uint64"];
                seqno: components["schemas"]["uint64"];
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
    GetAppLogPrivateHistoricalSparse: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                seqnos: components["schemas"]["string"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["Page"];
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
    GetAppLogPrivateHistoricalReceipt: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
            };
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
                    "application/json": components["schemas"]["Proved"];
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
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    PostAppLogPrivateInstallCommittedIndex: {
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
                content?: never;
            };
            /** @description How it stands, for people. */
            412: {
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
    PostAppLogPrivatePrefixCert: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
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
    PostAppLogPrivateRawTextId: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path: {
                id: components["schemas"]["uint64"];
            };
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "text/plain": components["schemas"]["string"];
            };
        };
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
    PostAppLogPrivateUninstallCommittedIndex: {
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
                content?: never;
            };
            /** @description How it stands, for people. */
            412: {
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
    GetAppLogPublic: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["Message"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    PostAppLogPublic: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** @description What the endpoint reads. */
        requestBody: {
            content: {
                "application/json": components["schemas"]["Record"];
            };
        };
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
    DeleteAppLogPublic: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["boolean"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    DeleteAppLogPublicAll: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["boolean"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPublicBackup: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["Message"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPublicCborMerkleProof: {
        parameters: {
            query?: never;
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
    GetAppLogPublicCoseEndorsements: {
        parameters: {
            query?: never;
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
                    "application/json": components["schemas"]["Endorsements"];
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
    GetAppLogPublicCoseReceipt: {
        parameters: {
            query?: never;
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
    GetAppLogPublicCoseSignature: {
        parameters: {
            query?: never;
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
                    "application/json": components["schemas"]["Signature"];
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
    GetAppLogPublicCount: {
        parameters: {
            query?: {
                scope?: components["schemas"]["string"];
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
                    "application/json": components["schemas"]["uint64"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogPublicHistoricalRange: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                from_seqno?: components["schemas"]["uint64"];
                to_seqno?: components["schemas"]["uint64"];
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
                    "application/json": components["schemas"]["Page"];
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
    GetAppLogPublicHistoricalReceipt: {
        parameters: {
            query: {
                id: components["schemas"]["uint64"];
                scope?: components["schemas"]["string"];
            };
            header: {
                "x-ms-ccf-transaction-id": components["schemas"]["TransactionId"];
            };
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
                    "application/json": components["schemas"]["Proved"];
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
            /** @description There is nothing to tell. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            default: components["responses"]["default"];
        };
    };
    GetAppLogRequestQuery: {
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
                    "text/plain": components["schemas"]["string"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    PostAppMultiAuth: {
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
                    "text/plain": components["schemas"]["string"];
                };
            };
            default: components["responses"]["default"];
        };
    };
    GetAppReceipt: {
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
    GetAppTx: {
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
}
