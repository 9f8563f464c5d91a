// How a version differs from the active one: what it may reach, how it presents itself, and what changes for connections.

import type { IncompatibleConnection, ServerMessage, VersionDifference } from "../../api/types";
import { Notice } from "../../components/notice";
import { ServerText } from "../../components/server-text";
import { useFormat, useTexts } from "../../text";
import { actorName } from "../../text/actors";

export function Difference({ difference }: { difference: VersionDifference }) {
  const t = useTexts();
  const format = useFormat();
  const lists: [string, ServerMessage[], string][] = [
    ["wider", difference.wider, t.versions.wider],
    ["narrower", difference.narrower, t.versions.narrower],
    ["other", difference.other, t.versions.other],
  ];
  return (
    <div className="capabilities">
      <p><b>{t.versions.difference}:</b> {t.versions.reach[difference.reach]}</p>
      {lists.filter(([, sentences]) => sentences.length > 0).map(([kind, sentences, name]) => (
        <div key={kind} className={`capability ${kind}`}>
          <p className="capability-name">{name}</p>
          <ul>{sentences.map((sentence) => <li key={sentence.message}><ServerText topic="difference" message={sentence} /></li>)}</ul>
        </div>
      ))}
      {difference.needsApproval && <Notice tone="warn">{t.versions.needsApproval}</Notice>}
      {difference.approvedAt && (
        <p className="fine">
          {t.versions.approved(difference.approvedBy ? actorName(difference.approvedBy, t) : "—", format.dateTime(difference.approvedAt))}
        </p>
      )}
      {difference.readme != null && (
        <details>
          <summary>{t.versions.readme}</summary>
          {/* The source, so that you can see where each link leads. */}
          <pre className="readme-source" lang="en" tabIndex={0}>{difference.readme}</pre>
        </details>
      )}
      {difference.connections.length > 0 && (
        <Notice tone="info" title={t.versions.forConnections}>
          <ul>
            {difference.connections.map((one) => (
              <li key={`${one.tenant}/${one.connection}`}>
                <b>{one.connection}</b> ({one.tenant})
                <ul>{one.lines.map((line) => <li key={line.message}><ServerText topic="difference" message={line} /></li>)}</ul>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {difference.incompatibleConnections.length > 0 && <IncompatibleConnections title={t.versions.incompatible} all={difference.incompatibleConnections} />}
    </div>
  );
}

export function IncompatibleConnections({ title, all }: { title: string; all: IncompatibleConnection[] }) {
  return (
    <Notice tone="warn" title={title}>
      <ul>
        {all.map((one) => (
          <li key={`${one.tenant}/${one.connection}`}>
            <b>{one.connection}</b> ({one.tenant}): {one.errors.map((error, index) => (
              <span key={error.field + error.message}>
                {index > 0 && "; "}
                <code>{error.field}</code> <ServerText topic="field" message={error} />
              </span>
            ))}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
