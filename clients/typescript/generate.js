// Writes the types of documents: node generate.js DOCUMENT OUTPUT [DOCUMENT OUTPUT ...]
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const words = process.argv.slice(2);
for (let at = 0; at + 1 < words.length; at += 2) {
  const described = JSON.parse(readFileSync(words[at], "utf8"));
  writeFileSync(words[at + 1], astToString(await openapiTS(described)));
}
