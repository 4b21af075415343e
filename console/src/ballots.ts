// Ballots that count for the bytes that were read alone, by the text of
// ccfpy/client/governance.py.
import { hex } from "./der";
import { digest, text } from "./signing";

const REJECT = "export function vote (proposal, proposer_id) { return false }";

const BOUND = (read: string) => `\
export function vote (proposal, proposer_id) {
  const digest = ccf.crypto.digest("SHA-256", ccf.strToBuf(proposal));
  const bytes = Array.from(new Uint8Array(digest));
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("") === "${read}";
}
`;

/** The SHA-256 digest of a proposal's text, computed here. */
export const textDigest = async (proposal: string): Promise<string> => hex(await digest(text(proposal)));

/** Return a ballot: one against a proposal says no to every text. */
export const ballot = (read: string, inFavour: boolean): string =>
  JSON.stringify({ ballot: inFavour ? BOUND(read) : REJECT });
