// What the page knows, as signals: whatever reads one is drawn again when it changes.
import { signal } from "@preact/signals";
import { listen, start } from "./api";
import type { Inbox, LedgerView, Network, Start } from "./answers";

const AGAIN_MS = 1000;

export const route = signal(location.hash.slice(1) || "/");
export const started = signal<Start | null>(null);
export const network = signal<Network | null>(null);
export const inbox = signal<Inbox | null>(null);
export const ledger = signal<LedgerView | null>(null);
/** Why nothing new arrives; empty while something does. */
export const lost = signal("");

addEventListener("hashchange", () => {
  route.value = location.hash.slice(1) || "/";
  document.querySelector("main")?.focus();
});

function take(topic: string, value: unknown): void {
  lost.value = "";
  if (topic === "network") network.value = value as Network;
  if (topic === "ledger") ledger.value = value as LedgerView;
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
