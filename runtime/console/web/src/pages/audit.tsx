// Who changed what.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { at, call } from "../api/client";
import type { AuditEntry, Json, Page } from "../api/types";
import { Button, Empty, PageHead } from "../parts/basics";
import { Failed, Waiting } from "../parts/loaded";
import { useFormat, useTexts } from "../text";

export default function Audit() {
  const t = useTexts();
  const format = useFormat();
  const { tenant = "" } = useParams();
  const query = useInfiniteQuery({
    queryKey: ["tenant", tenant, "audit"],
    queryFn: ({ signal, pageParam }) => call<Page<AuditEntry>>(at(tenant, "audit", { limit: 50, cursor: pageParam }), { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
  });
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const who = (actor: string) => (actor === "platform" ? t.audit.platform : t.audit.key(actor.replace("key:", "")));
  return (
    <>
      <PageHead title={t.audit.title} lead={t.audit.lead} />
      {query.isPending && <Waiting />}
      {query.isError && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && entries.length === 0 && <Empty title={t.audit.empty} />}
      {entries.length > 0 && (
        <div className="scrolled card flush" tabIndex={0} role="group" aria-label={t.audit.title}>
          <table className="table">
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
                  <td className="nowrap"><time dateTime={entry.at}>{format.dateTime(entry.at)}</time></td>
                  <td>{who(entry.actor)}</td>
                  <td><code>{entry.action}</code></td>
                  <td><code>{entry.target}</code></td>
                  <td><Difference before={entry.before} after={entry.after} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {query.hasNextPage && (
        <p className="row centred">
          <Button working={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.common.more}</Button>
        </p>
      )}
    </>
  );
}

function isEmpty(value: Json | null): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

function Difference({ before, after }: { before: Json | null; after: Json | null }) {
  const t = useTexts();
  if (isEmpty(before) && isEmpty(after)) return <span className="fine">{t.audit.nothing}</span>;
  return (
    <details>
      <summary>{t.audit.showChange}</summary>
      <div className="difference">
        {!isEmpty(before) && <pre className="was" aria-label={t.common.before} tabIndex={0}>{JSON.stringify(before, null, 2)}</pre>}
        {!isEmpty(after) && <pre className="is" aria-label={t.common.after} tabIndex={0}>{JSON.stringify(after, null, 2)}</pre>}
      </div>
    </details>
  );
}
