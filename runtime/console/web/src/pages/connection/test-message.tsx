// Sends a test message with the values on the page, saved or not, or checks them without sending.

import { useEffect, useRef, useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Send, ShieldCheck } from "lucide-react";
import { apiPath, call, Problem, SEND_TIMEOUT_MS } from "../../api/client";
import { refresh } from "../../api/queries";
import { usageValues, type Connection, type ConnectorDetail, type JsonObject, type Template, type TestResult } from "../../api/types";
import { Button } from "../../components/button";
import { Field } from "../../components/field";
import { Card } from "../../components/layout";
import { ErrorNotice } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { useTexts } from "../../text";
import { useFieldMessages } from "../../text/server-messages";
import { TestResultView } from "./test-result";

interface TestMessageProps {
  tenant: string;
  connector: ConnectorDetail;
  saved?: Connection;
  parameters: JsonObject;
  templates: Template[];
  /** The page shows what was refused, and it is not corrected yet. */
  hasProblem: boolean;
  onProblem: (problem: unknown) => void;
  /** Takes the reader to what was refused. */
  onShowProblem: () => void;
  onAccepted: () => void;
}

/** A field of the form above, which shows its own errors. */
const isAbove = (field: string) => /^\/(parameters|templates)/.test(field);

export function TestMessage({ tenant, connector, saved, parameters, templates, hasProblem, onProblem, onShowProblem, onAccepted }: TestMessageProps) {
  const t = useTexts();
  const [to, setTo] = useState("");
  const [usage, setUsage] = useState("sign-in");
  const [locale, setLocale] = useState("");
  const test = useMutation({
    mutationFn: (dryRun: boolean) =>
      call<TestResult>(apiPath(tenant, "connection-tests"), {
        method: "POST",
        timeoutMs: SEND_TIMEOUT_MS,
        body: {
          ...(saved && { connection: saved.name }),
          connector: connector.id,
          parameters,
          templates,
          to: to.replace(/[\s()-]/g, ""),
          usage,
          ...(locale.trim() && { locale: locale.trim() }),
          dryRun,
        },
      }),
    onSuccess: (report) => {
      onProblem(undefined);
      if (report.outcome === "accepted") onAccepted();
      void refresh(tenant);
    },
    onError: (error) => onProblem(error instanceof Problem && error.fields.some((one) => isAbove(one.field)) ? error : undefined),
  });
  const fields = useFieldMessages()(test.error);
  const own = fields.filter((one) => one.field === "/to").map((one) => one.message).join(" ");
  const above = fields.filter((one) => isAbove(one.field));
  const others = fields.filter((one) => one.field !== "/to" && !isAbove(one.field));
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (test.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [test.error]);
  return (
    <Card title={t.connection.test} help={t.connection.testHelp}>
      <form
        ref={form}
        className="test-form"
        onSubmit={(event) => {
          event.preventDefault();
          test.mutate(false);
        }}
      >
        <Field label={t.connection.to} help={t.connection.toHelp} error={own || undefined}>
          {(ids) => (
            <input
              {...ids}
              type="tel"
              value={to}
              placeholder="+4512345678"
              autoComplete="off"
              onChange={(event) => setTo(event.target.value)}
            />
          )}
        </Field>
        <Field label={t.connection.usage}>
          {(ids) => (
            <select {...ids} value={usage} onChange={(event) => setUsage(event.target.value)}>
              {usageValues.map((one) => <option key={one} value={one}>{t.usages[one]}</option>)}
            </select>
          )}
        </Field>
        <Field label={`${t.connection.locale} (${t.common.optional})`} help={t.connection.localeHelp}>
          {(ids) => <input {...ids} value={locale} maxLength={35} onChange={(event) => setLocale(event.target.value)} />}
        </Field>
        <div className="row">
          <Button
            type="submit"
            variant="primary"
            icon={<Send size={16} aria-hidden="true" />}
            busy={test.isPending && !test.variables}
            disabled={!to.trim() || test.isPending}
          >
            {test.isPending && !test.variables ? t.connection.sending : t.connection.send}
          </Button>
          <Button
            icon={<ShieldCheck size={16} aria-hidden="true" />}
            busy={test.isPending && test.variables}
            disabled={!to.trim() || test.isPending}
            onClick={() => test.mutate(true)}
          >
            {t.connection.dryRun}
          </Button>
        </div>
      </form>
      {above.length > 0 && hasProblem && (
        <Notice
          tone="bad"
          title={`${t.connection.problems}: ${t.connection.errors(above.length)}`}
          actions={<Button onClick={onShowProblem}>{t.connection.showErrors}</Button>}
        />
      )}
      {test.isError && (fields.length === 0 || others.length > 0) && <ErrorNotice error={test.error} onRetry={() => test.mutate(test.variables ?? false)} />}
      {test.data && <TestResultView report={test.data} />}
    </Card>
  );
}
