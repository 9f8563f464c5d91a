// A connection is set up: the guide beside the account, the texts and a test message. Nothing is sent or saved by itself.

import { lazy, Suspense, useMemo, useRef, useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { BookOpen, Send, ShieldCheck, Trash2, Zap } from "lucide-react";
import { Link, useNavigate, useParams } from "react-router";
import { at, call, PATIENCE_OF_A_SEND, Problem } from "../api/client";
import {
  connectionQuery, connectionsQuery, connectorQuery, demoAccountsQuery, refresh,
} from "../api/queries";
import type { Connection, ConnectorDetail, Members, Template, TestReport } from "../api/types";
import { ParametersForm } from "../form/parameters";
import { Preview } from "../form/preview";
import { forEachReason, inOneSpelling, MANDATORY } from "../form/usages";
import { Button, Card, CopyButton, Field, Logo, Notice, PageHead } from "../parts/basics";
import { Failed, Loaded, Waiting } from "../parts/loaded";
import { InEnglish } from "../parts/told";
import { useUnsaved } from "../parts/unsaved";
import { useTexts, type Texts } from "../text";
import { useToldFields, type ToldField } from "../text/said";
import { Activate } from "./activate";
import { RemoveConnection } from "./remove";
import { Trial } from "./trial";

const Readme = lazy(() => import("../parts/readme"));
const TemplatesForm = lazy(() => import("../form/templates").then((module) => ({ default: module.TemplatesForm })));

export default function Setup() {
  const { tenant = "", connector, connection } = useParams();
  return connection ? (
    <Existing key={connection} tenant={tenant} name={connection} />
  ) : (
    <New key={connector} tenant={tenant} id={connector ?? ""} />
  );
}

function Existing({ tenant, name }: { tenant: string; name: string }) {
  const connection = useQuery({ ...connectionQuery(tenant, name), refetchOnWindowFocus: false });
  return (
    <Loaded query={connection}>
      {(saved) => <WithConnector tenant={tenant} id={saved.connector} saved={saved} />}
    </Loaded>
  );
}

function New({ tenant, id }: { tenant: string; id: string }) {
  return <WithConnector tenant={tenant} id={id} />;
}

function WithConnector({ tenant, id, saved }: { tenant: string; id: string; saved?: Connection }) {
  const connector = useQuery({ ...connectorQuery(tenant, id), refetchOnWindowFocus: false });
  const connections = useQuery(connectionsQuery(tenant));
  return (
    <Loaded query={connector}>
      {(detail) => (
        <Loaded query={connections}>
          {(others) => <Editor tenant={tenant} connector={detail} saved={saved} others={others} />}
        </Loaded>
      )}
    </Loaded>
  );
}

/** A name that is free: `main` for the first connection, then the connector's. */
function freeName(connector: string, others: Connection[]): string {
  const taken = new Set(others.map((one) => one.name));
  const candidates = [...(others.length === 0 ? ["main"] : []), connector, ...Array.from({ length: 98 }, (_, n) => `${connector}-${n + 2}`)];
  return candidates.find((name) => !taken.has(name)) ?? connector;
}

/** The texts that come with Sendbox; where the provider has its own, a place for each that is needed. */
function beginning(connector: ConnectorDetail): Template[] {
  if (connector.defaultTemplates.length > 0 || connector.content !== "template") return connector.defaultTemplates;
  return MANDATORY.map((usage) => ({ usage, template: "" }));
}

/** Messages by pointer, of those below a prefix. */
function below(fields: ToldField[], prefix: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { field, message } of fields) {
    if (field !== prefix && !field.startsWith(`${prefix}/`)) continue;
    (found[field.slice(prefix.length)] ??= []).push(message);
  }
  return found;
}

/** What a person calls a field: the title of a parameter, the reason of a text. */
function nameOf(field: string, connector: ConnectorDetail, templates: Template[], t: Texts): string {
  const [, part, which] = field.split("/");
  if (field === "name") return t.setup.name;
  if (part === "parameters") {
    const properties = (connector.parametersSchema["properties"] ?? {}) as Record<string, { title?: string }>;
    return which ? (properties[which]?.title ?? which) : t.setup.parameters;
  }
  const template = which === undefined ? undefined : templates[Number(which)];
  if (!template) return part === "templates" ? t.setup.templates : field;
  return [t.setup.templates, t.usages[template.usage] ?? template.usage, template.locale].filter(Boolean).join(" · ");
}

interface EditorProps {
  tenant: string;
  connector: ConnectorDetail;
  saved?: Connection;
  others: Connection[];
}

function Editor({ tenant, connector, saved, others }: EditorProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const accounts = useQuery(demoAccountsQuery);
  const [name, setName] = useState(() => saved?.name ?? freeName(connector.id, others));
  const [parameters, setParameters] = useState<Members>(() => saved?.parameters ?? {});
  const [templates, setTemplates] = useState<Template[]>(() => (saved ? inOneSpelling(saved.templates) : beginning(connector)));
  const [looked, setLooked] = useState<Template>();
  const [guide, setGuide] = useState(true);
  const [problem, setProblem] = useState<unknown>();
  const [activating, setActivating] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [done, setDone] = useState("");
  const [dirty, setDirty] = useState(false);
  // What a provider took a test message with, to the letter.
  const [tried, setTried] = useState("");
  const summary = useRef<HTMLDivElement>(null);

  const touched = <T,>(set: (value: T) => void) => (value: T) => {
    set(value);
    setDirty(true);
    setDone("");
  };
  // What was wrong with a field is taken back when the field changes; the server says anew what it thinks.
  const corrected = (changed: (field: string) => boolean) =>
    setProblem((before: unknown) => (before instanceof Problem ? before.without(changed) : before));
  const changeParameters = (next: Members) => {
    const names = Object.keys({ ...parameters, ...next }).filter((one) => parameters[one] !== next[one]);
    if (names.length > 0) corrected((field) => field === "/parameters" || names.some((one) => field.startsWith(`/parameters/${one}`)));
    touched(setParameters)(next);
  };
  const changeTemplates = (next: Template[]) => {
    const same = next.length === templates.length;
    corrected((field) => {
      const index = Number(/^\/templates\/(\d+)/.exec(field)?.[1] ?? Number.NaN);
      return field.startsWith("/templates") && (!same || Number.isNaN(index) || templates[index] !== next[index]);
    });
    touched(setTemplates)(next);
  };
  const unsaved = useUnsaved(dirty);
  const refused = (error: unknown) => {
    setProblem(error);
    setTimeout(() => summary.current?.focus());
  };

  const takes = { text: connector.content !== "variables" };
  const now = JSON.stringify([parameters, templates]);
  const isTested = tried === now || (!dirty && saved?.testedAt != null);
  const put = () =>
    call<Connection>(at(tenant, `connections/${encodeURIComponent(name)}`), {
      method: "PUT",
      body: { connector: connector.id, parameters, templates: takes.text ? templates : [] },
    });
  const settled = (text: string) => {
    setProblem(undefined);
    setDirty(false);
    unsaved.settled();
    setDone(text);
    void refresh(tenant);
  };
  const save = useMutation({
    mutationFn: put,
    onSuccess: async (connection) => {
      settled(connection.active ? t.setup.savedActive(name) : t.setup.saved(name));
      setParameters(connection.parameters);
      setTemplates(inOneSpelling(connection.templates));
      if (!saved) await navigate(`/t/${tenant}/connections/${name}`, { replace: true, state: { saved: true } });
    },
    onError: refused,
  });

  const account = accounts.data?.find((one) => one.connector === connector.id);
  const told = useToldFields();
  const wrong = useMemo(() => told(problem), [told, problem]);
  const errors = useMemo(
    () => ({
      parameters: below(wrong, "/parameters"),
      templates: below(wrong, "/templates"),
      name: Object.values(below(wrong, "name")).flat(),
    }),
    [wrong],
  );
  const count = wrong.length;
  const example = looked ?? templates.find((one) => one.usage === "sign-in" && !one.locale) ?? templates[0];
  const exists = !saved && others.some((one) => one.name === name);

  return (
    <>
      <PageHead
        title={
          <span className="titled">
            <Logo svg={connector.logo} name={connector.name} />
            {saved ? t.setup.editTitle(saved.name) : t.setup.title(connector.name)}
          </span>
        }
        lead={connector.description}
        actions={
          <>
            <Button icon={<BookOpen size={16} aria-hidden="true" />} aria-expanded={guide} onClick={() => setGuide(!guide)}>
              {guide ? t.setup.hideReadme : t.setup.showReadme}
            </Button>
            {saved && (
              <Button look="quiet" icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => setRemoving(true)}>
                {t.common.delete}
              </Button>
            )}
          </>
        }
      />
      <div className={guide ? "setup with-guide" : "setup"}>
        {guide && (
          <aside className="card guide" aria-label={t.setup.readme} tabIndex={0}>
            <Suspense fallback={<Waiting />}>
              <Readme markdown={connector.readme} />
            </Suspense>
          </aside>
        )}
        <div className="setup-form">
          {done && <Notice tone="good" announced>{done}</Notice>}
          {problem !== undefined && (
            <div ref={summary} tabIndex={-1} className="summary">
              {count > 0 ? (
                <Notice tone="bad" title={`${t.setup.problems}: ${t.setup.errors(count)}`} announced>
                  <ul>
                    {wrong.map((field) => (
                      <li key={field.field + field.message}>
                        <b>{nameOf(field.field, connector, templates, t)}</b>: <span lang={field.lang}>{field.message}</span>
                      </li>
                    ))}
                  </ul>
                </Notice>
              ) : (
                <Failed error={problem} />
              )}
            </div>
          )}
          <Card title={t.setup.parameters} help={t.setup.parametersHelp}>
            {account && !saved && (
              <Notice
                tone="info"
                actions={
                  <Button
                    onClick={() => {
                      changeParameters(account.parameters);
                      if (connector.content === "template") setTemplates(forEachReason(inOneSpelling(account.templates)));
                    }}
                  >
                    {t.setup.demoFill}
                  </Button>
                }
              >
                {t.setup.demo}
              </Notice>
            )}
            {!saved && (
              <Field
                label={t.setup.name}
                help={t.setup.nameHelp}
                error={errors.name.join(" ") || (exists ? t.promote.replaces : undefined)}
              >
                {(ids) => <input {...ids} value={name} maxLength={40} onChange={(event) => touched(setName)(event.target.value)} />}
              </Field>
            )}
            {errors.parameters[""]?.map((error) => <p className="error" key={error}>{error}</p>)}
            <ParametersForm
              schema={connector.parametersSchema}
              value={parameters}
              onChange={changeParameters}
              secrets={saved?.secrets ?? {}}
              errors={errors.parameters}
            />
          </Card>
          <Card
            title={t.setup.templates}
            help={
              connector.content === "text"
                ? t.setup.templatesHelp
                : connector.content === "template"
                  ? t.setup.providerTemplates
                  : t.setup.noTemplates
            }
          >
            {takes.text && (
              <div className={connector.content === "text" ? "templates" : ""}>
                <div className="grow stack">
                  <Suspense fallback={<Waiting />}>
                    <TemplatesForm
                      connector={connector}
                      value={templates}
                      onChange={changeTemplates}
                      errors={errors.templates}
                      onLook={setLooked}
                    />
                  </Suspense>
                </div>
                {connector.content === "text" && <Preview tenant={tenant} template={example} />}
              </div>
            )}
          </Card>
          <TestCard
            tenant={tenant}
            connector={connector}
            saved={saved}
            parameters={parameters}
            templates={takes.text ? templates : []}
            onProblem={(found) => (found ? refused(found) : setProblem(undefined))}
            onAccepted={() => setTried(now)}
          />
          {saved?.reports.supported && <Reports reports={saved.reports} />}
          <div className="save-bar" role="group" aria-label={t.setup.steps.save}>
            <p className="fine grow">
              {dirty ? t.common.unsaved : saved?.active ? t.activate.same : ""}
            </p>
            <Link className="button quiet" to={`/t/${tenant}/connectors`}>{t.common.back}</Link>
            <Button look={saved?.active ? "primary" : "plain"} working={save.isPending} onClick={() => save.mutate()}>
              {t.setup.save}
            </Button>
            {!saved?.active && (
              <Button look="primary" icon={<Zap size={16} aria-hidden="true" />} onClick={() => setActivating(true)}>
                {t.setup.saveAndActivate}
              </Button>
            )}
          </div>
        </div>
      </div>
      {activating && (
        <Activate
          tenant={tenant}
          name={name}
          tested={isTested}
          before={put}
          onClose={() => setActivating(false)}
          onRefused={(error) => {
            setActivating(false);
            refused(error);
          }}
          onDone={() => {
            setActivating(false);
            settled(t.activate.done(name));
            void navigate(`/t/${tenant}/connections/${name}`, { replace: true });
          }}
        />
      )}
      {removing && saved && (
        <RemoveConnection tenant={tenant} connection={saved} onClose={() => setRemoving(false)} onGone={unsaved.settled} />
      )}
      {unsaved.guard}
    </>
  );
}

/** Where the provider reports what became of messages, and whether it has to be told. */
function Reports({ reports: { address, filled, why } }: { reports: Connection["reports"] }) {
  const t = useTexts();
  return (
    <Card title={t.setup.reports} help={t.setup.reportsHelp}>
      {address && (
        <p className="row">
          <code className="secret">{address}</code> <CopyButton text={address} />
        </p>
      )}
      {filled ? <Notice tone="good">{t.setup.reportsFilled}</Notice> : why && <Notice tone="info"><InEnglish text={why} /></Notice>}
    </Card>
  );
}

interface TestCardProps {
  tenant: string;
  connector: ConnectorDetail;
  saved?: Connection;
  parameters: Members;
  templates: Template[];
  onProblem: (problem: unknown) => void;
  onAccepted: () => void;
}

function TestCard({ tenant, connector, saved, parameters, templates, onProblem, onAccepted }: TestCardProps) {
  const t = useTexts();
  const [to, setTo] = useState("");
  const [usage, setUsage] = useState("sign-in");
  const [locale, setLocale] = useState("");
  const test = useMutation({
    mutationFn: (dryRun: boolean) =>
      call<TestReport>(at(tenant, "connection-tests"), {
        method: "POST",
        patience: PATIENCE_OF_A_SEND,
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
    onError: (error) => onProblem(error instanceof Problem && error.fields.some((one) => /^\/(parameters|templates)/.test(one.field)) ? error : undefined),
  });
  const fields = useToldFields()(test.error);
  const own = fields.filter((one) => one.field === "/to").map((one) => one.message).join(" ");
  const elsewhere = fields.length > 0 && !own;
  return (
    <Card title={t.setup.test} help={t.setup.testHelp}>
      <form
        className="test-form"
        onSubmit={(event) => {
          event.preventDefault();
          test.mutate(false);
        }}
      >
        <Field label={t.setup.to} help={t.setup.toHelp} error={own || undefined}>
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
        <Field label={t.setup.usage}>
          {(ids) => (
            <select {...ids} value={usage} onChange={(event) => setUsage(event.target.value)}>
              {Object.entries(t.usages).map(([id, text]) => <option key={id} value={id}>{text}</option>)}
            </select>
          )}
        </Field>
        <Field label={`${t.setup.locale} (${t.common.optional})`} help={t.setup.localeHelp}>
          {(ids) => <input {...ids} value={locale} maxLength={35} onChange={(event) => setLocale(event.target.value)} />}
        </Field>
        <div className="row">
          <Button
            type="submit"
            look="primary"
            icon={<Send size={16} aria-hidden="true" />}
            working={test.isPending && !test.variables}
            disabled={!to.trim() || test.isPending}
          >
            {test.isPending && !test.variables ? t.setup.sending : t.setup.send}
          </Button>
          <Button
            icon={<ShieldCheck size={16} aria-hidden="true" />}
            working={test.isPending && test.variables}
            disabled={!to.trim() || test.isPending}
            onClick={() => test.mutate(true)}
          >
            {t.setup.dryRun}
          </Button>
        </div>
      </form>
      {test.isError && !own && !elsewhere && <Failed error={test.error} onRetry={() => test.mutate(test.variables ?? false)} />}
      {test.data && <Trial report={test.data} />}
    </Card>
  );
}
