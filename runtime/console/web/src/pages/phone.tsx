// The phone of a demo: shows the messages that the simulated provider accepted, and lets you try a verification.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { useParams } from "react-router";
import { apiPath, call, SEND_TIMEOUT_MS } from "../api/client";
import { usePhone } from "../api/queries";
import type { PhoneMessages } from "../api/types";
import { Button } from "../components/button";
import { Field } from "../components/field";
import { Card, PageHeader } from "../components/layout";
import { ErrorNotice, Loaded } from "../components/loaded";
import { Empty, Notice } from "../components/notice";
import { useFormat, useTexts } from "../text";

interface Verification {
  id: string;
  status: string;
}

export default function Phone() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const phone = usePhone(true);
  return (
    <>
      <PageHeader title={t.phone.title} lead={t.phone.lead} />
      <Loaded query={phone}>
        {(inbox) =>
          inbox ? (
            <div className="phone-page">
              <Handset inbox={inbox} />
              <TryVerification tenant={tenant} number={inbox.number} />
            </div>
          ) : (
            <Empty title={t.notFound.title} />
          )
        }
      </Loaded>
    </>
  );
}

function Handset({ inbox }: { inbox: PhoneMessages }) {
  const t = useTexts();
  const format = useFormat();
  return (
    <section className="phone" aria-label={t.phone.title}>
      <div className="phone-top" aria-hidden="true"><span /></div>
      <ul className="phone-screen" tabIndex={0} aria-live="polite" aria-label={t.phone.title}>
        {inbox.messages.length === 0 && (
          <li className="phone-empty">
            <b>{t.phone.empty}</b>
            <p>{t.phone.emptyHelp}</p>
          </li>
        )}
        {inbox.messages.map((message) => (
          <li key={message.number}>
            <p className="phone-meta">{format.time(message.receivedAt)} · {t.phone.by(message.provider)} · {message.to}</p>
            <p className="bubble">{message.text ?? "—"}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function TryVerification({ tenant, number }: { tenant: string; number: string }) {
  const t = useTexts();
  const [to, setTo] = useState(number);
  const [code, setCode] = useState("");
  const start = useMutation({
    mutationFn: () =>
      call<Verification>(apiPath(tenant, "verifications"), {
        method: "POST",
        body: { to, usage: "sign-in", locale: t.code },
        timeoutMs: SEND_TIMEOUT_MS,
      }),
    onSuccess: () => {
      setCode("");
      check.reset();
    },
  });
  const check = useMutation({
    mutationFn: () =>
      call<Verification>(apiPath(tenant, `verifications/${start.data?.id ?? ""}/check`), { method: "POST", body: { code } }),
  });
  return (
    <Card title={t.phone.try} help={t.phone.tryHelp}>
      <form
        className="fields"
        onSubmit={(event) => {
          event.preventDefault();
          start.mutate();
        }}
      >
        <Field label={t.phone.to}>
          {(ids) => <input {...ids} type="tel" value={to} onChange={(event) => setTo(event.target.value)} />}
        </Field>
        <Button type="submit" variant="primary" busy={start.isPending} icon={<Send size={16} aria-hidden="true" />}>{t.phone.start}</Button>
        {start.isError && <ErrorNotice error={start.error} />}
      </form>
      {start.data && (
        <form
          className="fields"
          onSubmit={(event) => {
            event.preventDefault();
            check.mutate();
          }}
        >
          {!check.data && <Notice tone="info" announce>{t.phone.started}</Notice>}
          <Field label={t.phone.code}>
            {(ids) => (
              <input {...ids} inputMode="numeric" autoComplete="one-time-code" value={code} onChange={(event) => setCode(event.target.value)} />
            )}
          </Field>
          <Button type="submit" busy={check.isPending} disabled={!code.trim()}>{t.phone.check}</Button>
          {check.data && <Notice tone="good" announce>{t.phone.approved}</Notice>}
          {check.isError && <ErrorNotice error={check.error} />}
        </form>
      )}
    </Card>
  );
}
