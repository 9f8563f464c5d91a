// Fails when modules import each other in a circle, or from a layer above their own. Type imports count, too.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";

/** The folders of `src`, lowest first. A module imports from its own layer and those below it; what is not in a folder is on top. */
const LAYERS = ["api", "text", "components", "form", "pages"];

const src = join(import.meta.dirname, "../src");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((file) => /\.tsx?$/.test(file));
const { options } = ts.convertCompilerOptionsFromJson({ moduleResolution: "bundler", module: "esnext" }, src);

function importsOf(file) {
  const path = join(src, file);
  return ts.preProcessFile(readFileSync(path, "utf8")).importedFiles.flatMap(({ fileName }) => {
    if (!fileName.startsWith(".")) return [];
    const found = ts.resolveModuleName(fileName, path, options, ts.sys).resolvedModule;
    return found ? [relative(src, found.resolvedFileName)] : [];
  });
}

function layerOf(file) {
  const layer = LAYERS.indexOf(dirname(file).split("/")[0]);
  return layer < 0 ? LAYERS.length : layer;
}

const imports = new Map(files.map((file) => [file, importsOf(file)]));
const problems = [];
for (const [file, targets] of imports) {
  for (const target of targets) {
    if (layerOf(target) > layerOf(file)) problems.push(`${file} imports ${target}, which is in a layer above it`);
  }
}

const done = new Set();
function visit(file, path) {
  if (path.includes(file)) {
    problems.push(`circular import: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
  } else if (!done.has(file)) {
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  }
}
for (const file of files) visit(file, []);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
