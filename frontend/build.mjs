// Bundles the browser side.
//
// src/<entry>.ts and ../src/metier/web/static/css/*.css
//   → ../src/metier/web/static/dist/<name>-<hash>.{js,css}, each with a .gz beside it, and manifest.json
//
// manifest.json maps source names to built names: {"app.js": "app-3KX2.js", "style.css": "style-9QF1.css"}.
// Nothing of the old bundles is touched until the new ones are ready; the manifest is written last.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const css = join(here, "../src/metier/web/static/css");
const dist = join(here, "../src/metier/web/static/dist");

const ENTRIES = ["app", "chat", "grid", "chart", "code", "flow", "dash", "tip", "embed"]; // the rest of src/ is imported by these
const LAYERS = ["tokens", "base", "components", "pages"]; // later layers win

const shared = {
  absWorkingDir: here,
  outdir: dist,
  bundle: true,
  minify: true,
  write: false,
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
  target: ["es2023", "chrome120", "firefox121", "safari17.4"],
};

/** Bundles the entries that exist; what several of them import lands in common chunks. */
async function scripts() {
  const entryPoints = ENTRIES.map((name) => join(source, `${name}.ts`)).filter((path) => existsSync(path));
  return build({
    ...shared,
    entryPoints,
    format: "esm",
    splitting: true,
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
  });
}

/** Bundles the style sheets that exist into one, each in the @layer of its name. */
async function styles() {
  const present = LAYERS.filter((name) => existsSync(join(css, `${name}.css`)));
  const imports = present.map((name) => `@import "./${name}.css" layer(${name});`);
  const stdin = { contents: [`@layer ${LAYERS.join(", ")};`, ...imports].join("\n"), loader: "css", resolveDir: css, sourcefile: "style.css" };
  return build({ ...shared, stdin, entryNames: "style-[hash]", external: ["/static/*"] });
}

/** Says which built file an entry became: {"app.js": "app-3KX2.js"}. */
function manifestOf(results) {
  const manifest = {};
  for (const { metafile } of results) {
    for (const [path, output] of Object.entries(metafile.outputs)) {
      if (!output.entryPoint) continue;
      const extension = path.slice(path.lastIndexOf("."));
      const name = output.entryPoint === "<stdin>" ? "style" : basename(output.entryPoint).replace(/\.[^.]+$/, "");
      manifest[name + extension] = basename(path);
    }
  }
  return manifest;
}

const started = performance.now();
const results = await Promise.all([scripts(), styles()]);
const manifest = manifestOf(results);

mkdirSync(dist, { recursive: true });
for (const old of readdirSync(dist)) rmSync(join(dist, old), { recursive: true });
const sizes = {};
for (const file of results.flatMap((result) => result.outputFiles)) {
  const packed = gzipSync(file.contents, { level: 9 });
  writeFileSync(file.path, file.contents);
  writeFileSync(`${file.path}.gz`, packed);
  sizes[basename(file.path)] = packed.length;
}
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);

const listed = Object.entries(manifest).map(([name, file]) => `${name} ${(sizes[file] / 1000).toFixed(1)} kB gz`);
console.log(`front end: ${listed.join(", ")} in ${Math.round(performance.now() - started)} ms`);
