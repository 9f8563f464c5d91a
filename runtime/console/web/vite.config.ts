import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Puts a smaller form beside each file, so that the server need not make one for every answer. */
const gzip: Plugin = {
  name: "gzip",
  apply: "build",
  writeBundle({ dir }) {
    for (const file of readdirSync(join(dir ?? "dist", "assets"))) {
      if (!/\.(js|css|svg)$/.test(file)) continue;
      const path = join(dir ?? "dist", "assets", file);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
    }
  },
};

export default defineConfig({
  base: "/console/",
  plugins: [react(), gzip],
  // See the file: the form library names it in a helper for its own tests.
  resolve: { alias: { "@rjsf/validator-ajv8": join(import.meta.dirname, "src/form/ajv-stub.ts") } },
  html: { cspNonce: "__STYLE_NONCE__" },
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 900 },
  server: { proxy: { "/v1": "http://127.0.0.1:8080", "/demo": "http://127.0.0.1:8080" } },
});
