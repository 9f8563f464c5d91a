// What messages and verifications have in common.

import { InvalidArgumentError } from "./errors.js";

/** Checks an id before it becomes part of a path: `..` would name another one. */
export function checkedId(id: string, name: string): string {
  if (!/^[a-z0-9_-]{1,60}$/.test(id)) throw new InvalidArgumentError(`the id of the ${name} is invalid; pass its \`id\``);
  return id;
}

/** Whether a body has an id and a status, as messages and verifications do. */
export function hasIdAndStatus(body: object): boolean {
  const { id, status } = body as { id?: unknown; status?: unknown };
  return typeof id === "string" && typeof status === "string";
}
