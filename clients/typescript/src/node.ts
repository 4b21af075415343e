// Connections from Node, which trust the service's certificate and nothing else.

import { Agent, fetch, type RequestInit as UndiciInit } from "undici";
import { NotSent, type Send, Unreachable } from "./call.js";
import { connectBy, type Options, type Service } from "./connect.js";

export * from "./connect.js";

export interface Identity {
  // The service's certificate as PEM text.
  readonly serviceCertificate: string;
  // The caller's certificate and private key as PEM text, if it shows any.
  readonly certificate?: string;
  readonly privateKey?: string;
}

const connectTimeoutMs = 3000;
const notSent = new Set([
  "ECONNREFUSED",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);
// How OpenSSL and Node name certificates that they do not trust.
const untrusted = /^(ERR_TLS_CERT|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

export function connect<Paths extends object>(options: Options & Identity): Service<Paths> {
  const { serviceCertificate, certificate, privateKey } = options;
  const agent = new Agent({
    connect: {
      ca: serviceCertificate,
      timeout: connectTimeoutMs,
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
    },
  });
  const send: Send = async (url, init) => {
    try {
      // The same interface by another name: undici's types are not the DOM's.
      const sent = { ...init, dispatcher: agent } as unknown as UndiciInit;
      return (await fetch(url, sent)) as unknown as Response;
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const code = String((cause as { code?: unknown } | undefined)?.code ?? "");
      const reason = cause instanceof Error ? cause.message : String(error);
      if (untrusted.test(code))
        throw new Unreachable(`${new URL(url).origin} is not trusted: ${reason}`);
      if (notSent.has(code)) throw new NotSent(reason);
      throw error;
    }
  };
  return connectBy(options, send, () => agent.close());
}
