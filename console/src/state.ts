// What the page knows, as signals: whatever reads one is drawn again when it changes.
import { signal } from "@preact/signals";
import { listen, start } from "./api";
import type { Inbox, LedgerView, LostView, Network, Rates, RecoveryView, Start } from "./answers";

const AGAIN_MS = 1000;

export const route = signal(location.hash.slice(1) || "/");
export const started = signal<Start | null>(null);
export const network = signal<Network | null>(null);
export const inbox = signal<Inbox | null>(null);
export const rates = signal<Rates | null>(null);
export const ledger = signal<LedgerView | null>(null);
export const recovery = signal<RecoveryView | null>(null);
export const left = signal<LostView | null>(null);
/** Why nothing new arrives; empty while something does. */
export const lost = signal("");

addEventListener("hashchange", () => {
  focusedBefore = document.activeElement;
  route.value = location.hash.slice(1) || "/";
  scrollTo(0, 0);
  // Preact draws the view in a microtask, which comes before this one; a key comes after both.
  queueMicrotask(awaitHeading);
});

/** Whether the heading of a page that was opened is to have the focus; a person who moves on ends that. */
let isAwaited = false;
let focusedBefore: Element | null = null;
let focusedHeading: Element | null = null;

/** Move the focus to the page's heading: who cannot see the page hears it. */
export function focusHeading(): void {
  focusedBefore = document.activeElement;
  awaitHeading();
}

function awaitHeading(): void {
  isAwaited = true;
  followHeading();
}

/** Keep the title as the heading is, and see the heading of a page come. */
function followHeading(): void {
  const heading = document.querySelector<HTMLElement>("main h1");
  const title = `${heading?.textContent} · ccfpy console`;
  if (heading && document.title !== title) document.title = title;
  if (isAwaited) focusWhenThere(heading);
}

new MutationObserver(followHeading).observe(document.body, { childList: true, characterData: true, subtree: true });

function focusWhenThere(heading: HTMLElement | null): void {
  const now = document.activeElement;
  // A heading that is drawn anew loses the focus, which then is nobody's.
  const isNobodys = now === document.body && !focusedHeading?.isConnected;
  isAwaited = isNobodys || now === focusedBefore || now === heading;
  if (!isAwaited || !heading || heading === now) return;
  heading.tabIndex = -1;
  heading.focus();
  [focusedHeading, focusedBefore] = [heading, null];
}

function take(topic: string, value: unknown): void {
  lost.value = "";
  if (topic === "network") network.value = value as Network;
  if (topic === "rates") rates.value = value as Rates;
  if (topic === "ledger") ledger.value = value as LedgerView;
  if (topic === "recovery") recovery.value = value as RecoveryView;
  if (topic === "lost") left.value = value as LostView;
  if (topic === "proposals") inbox.value = value as Inbox;
}

/** Follow the server for ever, and begin again where it was interrupted. */
export async function follow(): Promise<void> {
  for (;;) {
    try {
      started.value = await start();
      await listen(take);
    } catch (error) {
      lost.value = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
