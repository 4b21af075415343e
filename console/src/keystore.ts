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

/** Change what is kept; the change is kept itself once its transaction is complete. */
async function changed(change: (keys: IDBObjectStore) => unknown): Promise<void> {
  const keys = await store("readwrite");
  const completed = new Promise<void>((resolve, reject) => {
    keys.transaction.oncomplete = () => resolve();
    keys.transaction.onabort = () => reject(new Error("this browser keeps no keys"));
  });
  change(keys);
  await completed;
}

/** Keep a key for a service, in place of the one before. */
export const remember = (service: string, key: MemberKey): Promise<void> =>
  changed((keys) => keys.put(key, service));

export async function remembered(service: string): Promise<MemberKey | null> {
  return ((await request((await store("readonly")).get(service))) as MemberKey | undefined) ?? null;
}

export const forget = (service: string): Promise<void> => changed((keys) => keys.delete(service));
