// The audit log: who changed what, and when.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { apiPath, call } from "../api/client";
import type { AuditEntry, Page } from "../api/types";
import { Changes, diff } from "../components/changes";
import { PageHeader } from "../components/layout";
import { PagedList } from "../components/loaded";
import { Empty } from "../components/notice";
import { Time } from "../components/time";
import { useTexts } from "../text";
import { actorName } from "../text/actors";

export default function Audit() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const query = useInfiniteQuery({
    queryKey: ["tenant", tenant, "audit"],
    queryFn: ({ signal, pageParam }) => call<Page<AuditEntry>>(apiPath(tenant, "audit", { limit: 50, cursor: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  return (
    <>
      <PageHeader title={t.audit.title} lead={t.audit.lead} />
      <PagedList query={query} empty={<Empty title={t.audit.empty} />}>
        {(entries) => (
          <div className="scrolled card flush" tabIndex={0} role="group" aria-label={t.audit.title}>
            <table className="table stacking">
              <thead>
                <tr>
                  <th scope="col">{t.audit.when}</th>
                  <th scope="col">{t.audit.who}</th>
                  <th scope="col">{t.audit.what}</th>
                  <th scope="col">{t.audit.target}</th>
                  <th scope="col">{t.common.details}</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <tr key={entry.id}>
                    <td className="nowrap" data-label={t.audit.when}><Time value={entry.createdAt} /></td>
                    <td data-label={t.audit.who}>{actorName(entry.actor, t, entry.actorName)}</td>
                    <td data-label={t.audit.what}>{t.audit.actions[entry.action] ?? <code>{entry.action}</code>}</td>
                    <td data-label={t.audit.target}><code>{entry.target}</code></td>
                    <td data-label={t.common.details}><Difference before={entry.before} after={entry.after} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </PagedList>
    </>
  );
}

function Difference({ before, after }: { before: unknown; after: unknown }) {
  const t = useTexts();
  const changes = diff(before, after);
  if (changes.length === 0) return <span className="fine">{t.audit.nothing}</span>;
  return (
    <details>
      <summary>{t.audit.showChange(changes.length)}</summary>
      <Changes changes={changes} />
    </details>
  );
}
