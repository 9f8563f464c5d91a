// A template as a phone shows it, with its segments and price. The server renders it, as it would for a send.

import { useEffect, useState } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { apiPath, call } from "../api/client";
import { policyQuery } from "../api/queries";
import type { Preview as Rendered, Template } from "../api/types";
import { Badge } from "../components/badge";
import { ErrorNotice } from "../components/loaded";
import { Notice } from "../components/notice";
import { ServerText } from "../components/server-text";
import { useFormat, useTexts } from "../text";

/** The value, once it has not changed for a while. */
function useDebounced<T>(value: T, milliseconds: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

export function Preview({ tenant, template }: { tenant: string; template: Template | undefined }) {
  const t = useTexts();
  const format = useFormat();
  const content = useDebounced(template?.content ?? "", 300);
  const locale = template?.locale;
  const policy = useQuery(policyQuery(tenant));
  const preview = useQuery({
    queryKey: ["tenant", tenant, "preview", content, locale],
    queryFn: ({ signal }) =>
      call<Rendered>(apiPath(tenant, "template-previews"), {
        method: "POST",
        body: { content, ...(locale && { locale }) },
        signal,
      }),
    enabled: content !== "",
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });
  const rendered = preview.data;
  const price = rendered?.priceMicros ?? null;
  return (
    <div className="preview">
      <h3>{t.templates.preview}</h3>
      <div className="handset">
        <p className="handset-from">{t.templates.from}</p>
        {content === "" ? (
          <p className="fine">{t.templates.choosePreview}</p>
        ) : (
          <p className="bubble" aria-live="polite">{rendered?.text ?? t.templates.previewLoading}</p>
        )}
      </div>
      {preview.isError && <ErrorNotice error={preview.error} onRetry={() => void preview.refetch()} />}
      {rendered && content !== "" && (
        <>
          <p className="row">
            <Badge tone={rendered.segments > 1 ? "warn" : "good"}>{t.templates.segments(rendered.segments)}</Badge>
            <span className="fine">
              {t.templates.units(rendered.units, rendered.encoding === "gsm7" ? "GSM-7" : "UCS-2")}
              {price !== null && policy.data?.spend && ` · ${t.connection.cost(format.money(price, policy.data.spend.currency))}`}
            </span>
          </p>
          {rendered.unknownVariables.length > 0 && (
            <Notice tone="warn">{t.templates.unknown(rendered.unknownVariables.join(", "))}</Notice>
          )}
          {rendered.hints.map((hint) => <Notice tone="info" key={hint.message}><ServerText topic="hint" message={hint} /></Notice>)}
        </>
      )}
    </div>
  );
}
