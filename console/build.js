// Makes the page of src/ in the Python package, where wheels take it from.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { build } from "esbuild";

const out = "../ccfpy/console/static";

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  entryPoints: ["src/console.tsx", "src/console.css"],
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "eof",
  logLevel: "warning",
});
await copyFile("src/index.html", `${out}/index.html`);
