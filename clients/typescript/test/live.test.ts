// Against a service that runs the logging sample; CCFPY_TEST_SERVICE describes it as JSON.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect, NotCommitted, Unreachable } from "../src/node.js";
import type { paths } from "./types/logging.js";

const described = process.env["CCFPY_TEST_SERVICE"];
assert(described, "CCFPY_TEST_SERVICE is not set");
const { url, nobody, service, user, other } = JSON.parse(described) as Record<string, string>;
assert(url && nobody && service && user && other);
const identity = {
  serviceCertificate: readFileSync(service, "utf8"),
  certificate: readFileSync(`${user}_cert.pem`, "utf8"),
  privateKey: readFileSync(`${user}_privk.pem`, "utf8"),
};
// The client goes on where nobody answers at the first address.
const urls = [nobody, url];

test("a write is committed and read again", async () => {
  const logging = connect<paths>({ urls, ...identity });
  const written = await logging.client.POST("/app/log/private", {
    body: { id: 7, msg: "from TypeScript" },
  });
  assert.equal(written.data, true);
  const txid = await logging.waitCommitted(written.response);
  assert.match(txid, /^\d+\.\d+$/);
  const query = { id: 7 };
  const read = await logging.client.GET("/app/log/private", { params: { query } });
  const message: string | undefined = read.data?.msg;
  assert.equal(message, "from TypeScript");
  await logging.close();
});

test("an error is typed, and is the caller's", async () => {
  const logging = connect<paths>({ urls, ...identity });
  const query = { id: 404 };
  const read = await logging.client.GET("/app/log/private", { params: { query } });
  const code: string | undefined = read.error?.error?.code;
  assert.deepEqual([read.response.status, code], [404, "ResourceNotFound"]);
  await logging.close();
});

test("a transaction that is not there is not committed in time", async () => {
  const logging = connect<paths>({ urls, ...identity });
  await assert.rejects(
    logging.waitCommitted("2.999999", 300),
    (error) => error instanceof NotCommitted && !error.isFinal,
  );
  await logging.close();
});

test("a server of another service is not trusted", async () => {
  const serviceCertificate = readFileSync(other, "utf8");
  const logging = connect<paths>({ urls: [url], ...identity, serviceCertificate });
  await assert.rejects(
    logging.client.GET("/app/commit"),
    (error) => error instanceof Unreachable && /is not trusted/.test(error.message),
  );
  await logging.close();
});
