// Who signs in this page, and what is signed: each message once, its bytes kept for another try.
import { computed, signal } from "@preact/signals";
import { signingFacts, submit } from "./api";
import type { Submitted } from "./answers";
import { forget, remember, remembered } from "./keystore";
import { type MemberKey, type Message, type MessageType, clockTrouble, signed, sizeTrouble } from "./signing";
import { started } from "./state";

interface Signer {
  readonly id: string;
  readonly name: string;
  /** Whether the key is in this page, and not on the console's machine. */
  readonly isHere: boolean;
}

/** The key that a member loaded into this page. */
export const pageKey = signal<MemberKey | null>(null);
export const isRemembered = signal(false);

/** Who votes here: the key in the page goes before that of the console's machine. */
export const signer = computed<Signer | null>(() => {
  const here = pageKey.value;
  if (here) return { id: here.memberId, name: here.name || here.memberId.slice(0, 8), isHere: true };
  const { signer: name, signer_id: id } = started.value ?? { signer: null, signer_id: null };
  return name !== null && id !== null ? { id, name, isHere: false } : null;
});

/** What another signature would make another of; the others are signed as they are needed. */
const SIGNED_ONCE: ReadonlySet<MessageType> = new Set(["proposal", "ballot", "withdrawal"] as const);
const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();
let trouble = "";

export class ClockDiffers extends Error {}

/** Use a key from now on; a key that is not to be remembered is forgotten with the page. */
export async function use(key: MemberKey, isKept: boolean): Promise<void> {
  if (isKept) await remember(started.value?.service ?? "", key);
  pageKey.value = key;
  isRemembered.value = isKept;
}

/** Use the key no more; the page says so once the browser has forgotten it, too. */
export async function drop(): Promise<void> {
  try {
    await forget(started.value?.service ?? "");
  } finally {
    pageKey.value = null;
    isRemembered.value = false;
  }
}

/** Take the key that an earlier page remembered, if there is one. */
export async function recall(): Promise<void> {
  const key = await remembered(started.value?.service ?? "").catch(() => null);
  if (!key || pageKey.value) return;
  pageKey.value = key;
  isRemembered.value = true;
}

/**
 * Sign a message by the key in this page, and hand it in.
 *
 * The same message is signed once: what is sent again are the same bytes, for two
 * signatures of one message are two messages to a service. Throws `ClockDiffers` at the
 * first try if the clock is wrong; who tries again signs all the same.
 */
export async function signAndSubmit(key: MemberKey, message: Message): Promise<Submitted> {
  const facts = await signingFacts(key.memberId);
  const found = clockTrouble(facts);
  if (found && found !== trouble) {
    trouble = found;
    throw new ClockDiffers(`Nothing was signed: ${found}; or press the button again to sign all the same.`);
  }
  const name = [key.memberId, message.type, message.proposalId ?? "", new TextDecoder().decode(message.payload)].join();
  const signing = kept.get(name) ?? signed(key, message);
  if (SIGNED_ONCE.has(message.type)) kept.set(name, signing);
  const made = await signing;
  const size = sizeTrouble(made, facts);
  if (size) throw new Error(size);
  return submit(made);
}
