// What a page shows while it waits, and when waiting was in vain. Never an endless spinner: a wait says that it is long,
// the client gives up after a while, and every failure says what to do and offers to try again.

import { useEffect, useState, type ReactNode } from "react";
import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { Problem } from "../api/client";
import type { Page } from "../api/types";
import { Button, Notice, Said } from "./basics";
import { useTexts } from "../text";
import { useTold, useToldFields } from "../text/said";

/** After so long a wait is called long. */
const LONG = 3000;

export function Waiting() {
  const t = useTexts();
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="waiting" role="status">
      <div className="bones" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <p className={long ? "" : "unseen"}>{long ? t.common.slow : t.common.loading}</p>
    </div>
  );
}

/** What went wrong, in words. `lang`: in which language the advice is, where it is not the page's. */
export function explain(error: unknown, t: ReturnType<typeof useTexts>, told: ReturnType<typeof useTold>): { title: string; advice: string; id?: string; lang?: string } {
  if (!(error instanceof Problem)) return { title: t.problem.heading, advice: String(error) };
  if (error.kind === "no-network") return { title: t.problem.noNetwork, advice: t.problem.noNetworkAdvice };
  if (error.kind === "no-answer") return { title: t.problem.noAnswer, advice: t.problem.noAnswerAdvice };
  const id = error.document?.instance.replace("urn:sendbox:request:", "");
  if (error.kind === "scope-missing") {
    return { title: t.problem.forbidden, advice: t.problem.forbiddenAdvice(error.document?.scope ?? ""), id };
  }
  const of = (code: string) => told("problem", { text: "", code });
  const title = error.status === 404 ? t.problem.notFound : (of(error.kind) ?? error.document?.title ?? t.problem.heading);
  const advice = of(`${error.kind}-detail`);
  return { title, advice: advice ?? error.message, id, ...(advice === undefined && { lang: "en" }) };
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTexts();
  const { title, advice, id, lang } = explain(error, t, useTold());
  const fields = useToldFields()(error);
  return (
    <Notice
      tone="bad"
      title={title}
      announced
      actions={
        onRetry && (
          <Button icon={<RotateCw size={16} aria-hidden="true" />} onClick={onRetry}>
            {t.common.retry}
          </Button>
        )
      }
    >
      {fields.length === 0 && <p lang={lang}><Said text={advice} /></p>}
      {fields.length > 0 && (
        <ul>
          {fields.map((field) => (
            <li key={field.field + field.message}>
              <code>{field.field || t.problem.whole}</code> <span lang={field.lang}><Said text={field.message} /></span>
            </li>
          ))}
        </ul>
      )}
      {id && (
        <p className="fine">
          {t.common.requestId} <code>{id}</code>
        </p>
      )}
    </Notice>
  );
}

interface LoadedProps<T> {
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, children }: LoadedProps<T>) {
  const t = useTexts();
  const told = useTold();
  const again = () => void query.refetch();
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && !query.isFetching && (
          <Notice tone="warn" title={t.common.stale} actions={<Button onClick={again}>{t.common.retry}</Button>} announced>
            <p>{explain(query.error, t, told).title}</p>
          </Notice>
        )}
        {children(query.data)}
      </>
    );
  }
  if (query.isError && !query.isFetching) return <Failed error={query.error} onRetry={again} />;
  return <Waiting />;
}

interface PagedProps<T> {
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
}

/** A list that comes in pages: as far as it is there, and more of it on demand. */
export function Paged<T>({ query, empty, children }: PagedProps<T>) {
  const t = useTexts();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {query.isPending && <Waiting />}
      {query.isError && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && empty}
      {items.length > 0 && children(items)}
      {query.hasNextPage && (
        <p className="row centred">
          <Button working={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.common.more}</Button>
        </p>
      )}
    </>
  );
}
