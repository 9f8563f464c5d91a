import type { ConnectorVersion } from "../../api/types";

/** What people call a version: the name that its author gave it, else the beginning of its digest. */
export function versionName(digest: string, versions: ConnectorVersion[]): string {
  return versions.find((one) => one.digest === digest)?.version ?? digest.replace("sha256:", "").slice(0, 12);
}
