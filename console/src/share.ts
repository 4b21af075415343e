// A recovery share opened in the page, with a key that does not leave it, and signed to be handed in.
import { type Bytes, type PemBlock, base64, fromBase64, pemBlocks, wrapped } from "./der";
import { type MemberKey, signed, text } from "./signing";

const ALGORITHM = { name: "RSA-OAEP", hash: "SHA-256" } as const;
const ZERO = Uint8Array.of(2, 1, 0);
const RSA = Uint8Array.of(0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0);

/** Open a member's share, given as base64, with the member's encryption key: PEM, PKCS#8 or PKCS#1. */
export async function openShare(keyPem: string, encrypted: string): Promise<Bytes> {
  let key: CryptoKey;
  const pkcs8 = pkcs8Of(pemBlocks(keyPem));
  try {
    key = await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["decrypt"]);
  } catch {
    throw new Error("the file of the encryption key holds no RSA key");
  }
  try {
    return new Uint8Array(await crypto.subtle.decrypt(ALGORITHM, key, fromBase64(encrypted)));
  } catch {
    throw new Error(
      "this encryption key does not open the share: it must be the one that the member had when shares were last issued",
    );
  }
}

/** Sign an opened share as its member. */
export const signedShare = (key: MemberKey, share: Bytes): Promise<Bytes> =>
  signed(key, { type: "recovery_share", payload: text(JSON.stringify({ share: base64(share) })) });

function pkcs8Of(blocks: readonly PemBlock[]): Bytes {
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block) throw new Error("the file of the encryption key holds no private key");
  if (block.isEncrypted)
    throw new Error("the file of the encryption key is encrypted, and a browser opens no such file: use ccfpy gov share");
  return block.label === "RSA PRIVATE KEY" ? wrapped(0x30, ZERO, RSA, wrapped(4, block.bytes)) : block.bytes;
}
