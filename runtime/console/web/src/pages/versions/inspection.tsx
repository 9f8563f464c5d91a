import type { Inspection } from "../../api/types";
import { useFormat, useTexts } from "../../text";

/** What the server found in an uploaded component. */
export function InspectionDetails({ inspection }: { inspection: Inspection }) {
  const t = useTexts();
  const format = useFormat();
  const { manifest, reveals, readsReports, content, shape } = inspection;
  return (
    <dl className="facts">
      <div>
        <dt>{t.connectors.reaches}</dt>
        <dd>
          <ul>
            {manifest.hosts.map((host) => (
              <li key={`${host.origin}${host.path_prefix}`}>
                {host.methods.join(", ")} <code>{host.origin}{host.path_prefix}</code> {host.purpose}
              </li>
            ))}
          </ul>
        </dd>
      </div>
      <div><dt>{t.versions.sees}</dt><dd>{reveals ? t.connectors.reveals : t.connectors.blind}</dd></div>
      <div><dt>{t.versions.takes}</dt><dd>{t.connectors.content[content]}</dd></div>
      <div><dt>{t.versions.reports}</dt><dd>{readsReports ? t.common.yes : t.common.no}</dd></div>
      <div><dt>{t.versions.memory}</dt><dd>{format.bytes(shape.initialMemory)}</dd></div>
      <div>
        <dt>{t.versions.imports}</dt>
        <dd><ul>{shape.imports.map((one) => <li key={one}><code>{one}</code></li>)}</ul></dd>
      </div>
    </dl>
  );
}
