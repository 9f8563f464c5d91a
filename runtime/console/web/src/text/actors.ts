// The name of who did something, as the API identifies them: `platform`, `sendbox`, or `key:` and the id of a key, with the name of the key
// where it is known.

import type { Texts } from ".";

export function actorName(actor: string, t: Texts, name?: string | null): string {
  if (actor === "platform") return t.audit.platform;
  if (actor === "sendbox") return "Sendbox";
  const id = actor.replace(/^key:/, "");
  return name ? t.audit.namedKey(name, id) : t.audit.key(id);
}
