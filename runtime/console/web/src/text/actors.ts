// The name of who did something, as the API identifies them: `platform`, or `key:` and the id of a key.

import type { Texts } from ".";

export const actorName = (actor: string, t: Texts): string =>
  actor === "platform" ? t.audit.platform : t.audit.key(actor.replace(/^key:/, ""));
