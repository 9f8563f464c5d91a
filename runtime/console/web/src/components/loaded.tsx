// What a page shows while it loads data, and when loading fails. There is no endless spinner: slow loading says so, the client
// times out, and every error says what to do and offers to try again.

import { useEffect, useState, type ReactNode } from "react";
import type { InfiniteData, UseInfiniteQueryResult, UseQueryResult } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { Problem } from "../api/client";
import type { Page } from "../api/types";
import { Button } from "./button";
import { Notice } from "./notice";
import { WithCode } from "./with-code";
import { useTexts } from "../text";
import { useFieldMessages, useServerMessages } from "../text/server-messages";

/** When loading is called slow. */
const SLOW_AFTER_MS = 3000;

export function Loading() {
  const t = useTexts();
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="loading" role="status">
      <div className="skeleton" aria-hidden="true">
        <span />
        <span />
        <span />
      </div>
      <p className={long ? "" : "visually-hidden"}>{long ? t.common.slow : t.common.loading}</p>
    </div>
  );
}

/** `lang` is the language of the advice, where it is not that of the page. */
export function describeError(error: unknown, t: ReturnType<typeof useTexts>, translate: ReturnType<typeof useServerMessages>): { title: string; advice: string; id?: string; lang?: string } {
  if (!(error instanceof Problem)) return { title: t.problem.heading, advice: String(error) };
  if (error.kind === "no-network") return { title: t.problem.noNetwork, advice: t.problem.noNetworkAdvice };
  if (error.kind === "no-answer") return { title: t.problem.noAnswer, advice: t.problem.noAnswerAdvice };
  const id = error.document?.instance.replace("urn:sendbox:request:", "");
  if (error.kind === "insufficient-scope") {
    return { title: t.problem.forbidden, advice: t.problem.forbiddenAdvice(error.document?.scope ?? ""), id };
  }
  const of = (code: string) => translate("problem", { message: "", code });
  const title = error.status === 404 ? t.problem.notFound : (of(error.kind) ?? error.document?.title ?? t.problem.heading);
  const advice = of(`${error.kind}-detail`);
  return { title, advice: advice ?? error.message, id, ...(advice === undefined && { lang: "en" }) };
}

export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useTexts();
  const { title, advice, id, lang } = describeError(error, t, useServerMessages());
  const fields = useFieldMessages()(error);
  return (
    <Notice
      tone="bad"
      title={title}
      announce
      actions={
        onRetry && (
          <Button icon={<RotateCw size={16} aria-hidden="true" />} onClick={onRetry}>
            {t.common.retry}
          </Button>
        )
      }
    >
      {fields.length === 0 && <p lang={lang}><WithCode text={advice} /></p>}
      {fields.length > 0 && (
        <ul>
          {fields.map((field) => (
            <li key={field.field + field.message}>
              <code>{field.field || t.problem.whole}</code> <span lang={field.lang}><WithCode text={field.message} /></span>
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
  const translate = useServerMessages();
  const again = () => void query.refetch();
  if (query.data !== undefined) {
    return (
      <>
        {query.isError && !query.isFetching && (
          <Notice tone="warn" title={t.common.stale} actions={<Button onClick={again}>{t.common.retry}</Button>} announce>
            <p>{describeError(query.error, t, translate).title}</p>
          </Notice>
        )}
        {children(query.data)}
      </>
    );
  }
  if (query.isError && !query.isFetching) return <ErrorNotice error={query.error} onRetry={again} />;
  return <Loading />;
}

interface PagedListProps<T> {
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  empty: ReactNode;
  children: (items: T[]) => ReactNode;
}

/** A paginated list, with a button that loads the next page. */
export function PagedList<T>({ query, empty, children }: PagedListProps<T>) {
  const t = useTexts();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {query.isPending && <Loading />}
      {query.isError && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
      {query.isSuccess && items.length === 0 && empty}
      {items.length > 0 && children(items)}
      {query.hasNextPage && (
        <p className="row centred">
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.common.more}</Button>
        </p>
      )}
    </>
  );
}
