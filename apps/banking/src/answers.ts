// How a request is refused, in the one form that all of a service's errors have.

import * as ccfapp from "@microsoft/ccf-app";

/** Raised anywhere below an endpoint to answer with an error. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export const invalid = (message: string) => new Refusal(400, "InvalidInput", message);

export const noAccount = (id: string) =>
  new Refusal(404, "AccountNotFound", `There is no account ${id}.`);

export interface Failure {
  error: { code: string; message: string };
}

type Endpoint<A> = (request: ccfapp.Request) => ccfapp.Response<A>;

/**
 * Make an endpoint of a function that may raise a refusal.
 *
 * What is no 2xx changes nothing, so a function may find out late that it must refuse.
 * Any other exception is a mistake of ours: the service answers 500 and keeps no write.
 */
export function endpoint<A>(answer: Endpoint<A>): Endpoint<A | Failure> {
  return (request) => {
    try {
      return answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, code, message } = error;
      return { statusCode: status, body: { error: { code, message } } };
    }
  };
}
