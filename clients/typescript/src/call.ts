// One call: attempts, redirects and waits within one deadline.

import { moves, outcomeOf, repeatability, type Outcome } from "./outcomes.js";

// Thrown by a Send where there was no connection, so that no byte of the request was sent.
export class NotSent extends Error {}

// Nobody answered, and nothing was applied.
export class Unreachable extends Error {}

// A write was sent and no answer came: it is applied, or it is not.
export class OutcomeUnknown extends Error {}

// Sends a request once, without following redirects. It throws NotSent, Unreachable for a
// server that is not trusted, or any other error if no answer came.
export type Send = (url: string, init: RequestInit) => Promise<Response>;

export interface Rules {
  readonly send: Send;
  readonly timeoutMs: number;
  readonly independentCalls: boolean;
}

const redirectsMax = 5;
const waitFirstMs = 50;
const waitMaxMs = 2000;
const budgetShare = 0.1;
const budgetMax = 10;

export class Nodes {
  private budget = budgetMax;

  // The origins of the nodes, the one to ask first at the front.
  constructor(
    private readonly rules: Rules,
    private origins: string[],
  ) {}

  async call(
    request: Request,
    idempotent: boolean,
    timeoutMs = this.rules.timeoutMs,
  ): Promise<Response> {
    this.budget = Math.min(budgetMax, this.budget + budgetShare);
    const deadline = Date.now() + timeoutMs;
    const repeat = repeatability(request.method, idempotent);
    const init = await contentOf(request);
    const { pathname, search } = new URL(request.url);
    const what = `${request.method} ${pathname}`;
    let left = [...this.origins];
    let reached = false;
    let redirects = 0;
    let repeated = 0;
    let reasons: string[] = [];
    let next: string | undefined;
    // A write was sent, and may have been applied, whatever becomes of later attempts.
    let maybeApplied = false;

    const failure = (reason: string): Error =>
      maybeApplied
        ? new OutcomeUnknown(`${what} may have been applied, or not: ${reason}`)
        : new Unreachable(reason);

    // Waits before the request is sent again; false if that may not be.
    const pause = async (asked: number | undefined, free = false): Promise<boolean> => {
      const longest = Math.min(waitMaxMs, waitFirstMs * 2 ** repeated);
      const wait = asked
        ? asked * (1 + Math.random() / 4)
        : Math.random() * longest;
      if (Date.now() + wait >= deadline) return false;
      if (!free && !asked) {
        if (this.budget < 1) return false;
        this.budget -= 1;
      }
      repeated += 1;
      await new Promise((done) => setTimeout(done, wait));
      [left, next, reached, redirects, reasons] = [[...this.origins], undefined, false, 0, []];
      return true;
    };

    for (;;) {
      const url = next ?? rooted(left.shift(), pathname + search);
      next = undefined;
      if (url === undefined) {
        // A node that answers and redirects to a dead primary will soon know better.
        if (reached && (await pause(undefined, true))) continue;
        throw failure(reasons.join("; "));
      }
      const origin = new URL(url).origin;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0) throw failure(`${origin} did not answer in time`);
      const mayHang = this.origins.length > 1 && repeat !== "once";
      const signal = AbortSignal.timeout(Math.ceil(mayHang ? leftMs / 2 : leftMs));
      let outcome: Outcome;
      let answer: Response | undefined;
      try {
        answer = await this.rules.send(url, { ...init, signal });
        outcome = await outcomeOf(answer);
      } catch (error) {
        if (error instanceof Unreachable) throw failure(error.message);
        outcome = error instanceof NotSent ? "not_sent" : "no_answer";
        reasons.push(`no answer from ${origin}: ${reasonOf(error)}`);
      }
      reached ||= answer !== undefined;
      const isLost = outcome === "no_answer" || outcome === "forward_lost";
      maybeApplied ||= isLost && repeat !== "read";
      if (outcome === "answered") this.prefer(origin);
      else if (outcome !== "redirected") this.avoid(origin);
      const move =
        outcome === "view_changed" && this.rules.independentCalls
          ? "repeat"
          : moves[outcome][repeat];
      switch (move) {
        case "ask_next":
          continue;
        case "follow":
          if (++redirects >= redirectsMax)
            throw failure(`${what} was redirected ${redirectsMax} times`);
          next = followed(url, answer?.headers.get("location") ?? "");
          if (next === undefined) throw failure(`${origin} redirects away from HTTPS`);
          continue;
        case "repeat":
          if (await pause(retryAfterMs(answer))) continue;
      }
      const isFinal = outcome === "answered" || !maybeApplied;
      if (answer !== undefined && isFinal) return answer;
      throw failure(reasons.at(-1) ?? `${origin} answered ${answer?.status}`);
    }
  }

  private prefer(origin: string): void {
    this.origins = [origin, ...this.origins.filter((each) => each !== origin)];
  }

  private avoid(origin: string): void {
    if (this.origins.length > 1)
      this.origins = [...this.origins.filter((each) => each !== origin), origin];
  }
}

async function contentOf(request: Request): Promise<RequestInit> {
  const { method, headers } = request;
  const body = request.body === null ? null : await request.arrayBuffer();
  return { method, headers: [...headers], body, redirect: "manual" };
}

function rooted(origin: string | undefined, path: string): string | undefined {
  return origin === undefined ? undefined : origin + path;
}

function followed(url: string, location: string): string | undefined {
  const target = URL.canParse(location, url) ? new URL(location, url) : undefined;
  return target?.protocol === "https:" ? target.href : undefined;
}

function retryAfterMs(answer: Response | undefined): number | undefined {
  const text = answer?.headers.get("retry-after") ?? "";
  return /^\d{1,6}$/.test(text) ? 1000 * Number(text) : undefined;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
