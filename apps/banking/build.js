// Makes dist/ of src/ and app.json: what members vote on.
//
// One module, because a service loads modules by path and knows no packages. Not
// minified, because people read it before they vote. Its source map stays outside
// dist/src, where CCF's tools take every file for a module.

import { appendFile, copyFile, mkdir, rename, rm } from "node:fs/promises";
import { build } from "esbuild";

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: ["src/endpoints.ts"],
  outfile: "dist/endpoints.js",
  bundle: true,
  format: "esm",
  target: "es2020",
  charset: "utf8",
  sourcemap: "external",
});
await appendFile("dist/endpoints.js", "//# sourceMappingURL=../endpoints.js.map\n");
await mkdir("dist/src");
await rename("dist/endpoints.js", "dist/src/endpoints.js");
await copyFile("app.json", "dist/app.json");
