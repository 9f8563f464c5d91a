// Versions of a connector: the guest `versioned` with its marker overwritten (see its source).

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BEGINNING = Buffer.from("which-version=");
const LENGTH = 64;

/** The component that `SENDBOX_VERSIONED` names, or the one that cargo has built for the tests. */
function component() {
  const built = fileURLToPath(new URL("../../target/guests/guests/wasm32-wasip2/connector/versioned.wasm", import.meta.url));
  const path = process.env.SENDBOX_VERSIONED ?? built;
  if (!existsSync(path)) throw new Error(`there is no ${path}: run \`cargo build -p sendbox-tests\`, or set SENDBOX_VERSIONED`);
  return readFileSync(path);
}

/** Version `number` as a file to upload. `does` is `honest`, `wider`, `stricter`, `abroad` or `trap`. */
export function version(number, does, id = "acme-sms") {
  const name = String(number).padStart(4, "0");
  const marker = `which-version=${name};does=${does};id=${id};`;
  assert.ok(marker.length <= LENGTH, `the marker has ${LENGTH} bytes`);
  const buffer = component();
  const at = buffer.indexOf(BEGINNING);
  assert.ok(at >= 0, "the marker is there");
  buffer.write(marker.padEnd(LENGTH, "."), at, "latin1");
  return { name: `${id}-${name}.wasm`, mimeType: "application/wasm", buffer };
}

/** The digest of a version, `sha256:…`. */
export const digestOf = ({ buffer }) => `sha256:${createHash("sha256").update(buffer).digest("hex")}`;
