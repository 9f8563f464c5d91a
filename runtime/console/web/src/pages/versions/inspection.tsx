import type { VersionInspection } from "../../api/types";
import { useFormat, useTexts } from "../../text";

/** What the server found in an uploaded component. */
export function InspectionDetails({ inspection }: { inspection: VersionInspection }) {
  const t = useTexts();
  const format = useFormat();
  const { hosts, reveals, readsReports, content, file } = inspection;
  return (
    <dl className="facts">
      <div>
        <dt>{t.connectors.reaches}</dt>
        <dd>
          <ul>
            {hosts.map((host) => (
              <li key={`${host.origin}${host.pathPrefix}`}>
                {host.methods.join(", ")} <code>{host.origin}{host.pathPrefix}</code> {host.purpose}
              </li>
            ))}
          </ul>
        </dd>
      </div>
      <div><dt>{t.versions.sees}</dt><dd>{reveals ? t.connectors.reveals : t.connectors.blind}</dd></div>
      <div><dt>{t.versions.takes}</dt><dd>{t.connectors.content[content]}</dd></div>
      <div><dt>{t.versions.reports}</dt><dd>{readsReports ? t.common.yes : t.common.no}</dd></div>
      <div><dt>{t.versions.memory}</dt><dd>{format.bytes(file.initialMemory)}</dd></div>
      <div>
        <dt>{t.versions.imports}</dt>
        <dd><ul>{file.imports.map((one) => <li key={one}><code>{one}</code></li>)}</ul></dd>
      </div>
    </dl>
  );
}
