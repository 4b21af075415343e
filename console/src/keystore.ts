// Keys that a browser keeps for a member who asks for it: usable here, and not to be read.
import type { MemberKey } from "./signing";

const DATABASE = "ccfpy-keys";
const STORE = "keys";

function request<Result>(asked: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(new Error("this browser keeps no keys"));
  });
}

async function store(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return (await request(opening)).transaction(STORE, mode).objectStore(STORE);
}

/** Keep a key for a service, in place of the one before. */
export async function remember(service: string, key: MemberKey): Promise<void> {
  await request((await store("readwrite")).put(key, service));
}

export async function remembered(service: string): Promise<MemberKey | null> {
  return ((await request((await store("readonly")).get(service))) as MemberKey | undefined) ?? null;
}

export async function forget(service: string): Promise<void> {
  await request((await store("readwrite")).delete(service));
}
