// The form of a connection: the guide beside account, templates and a test message.

import { lazy, Suspense, useEffect, useMemo, useRef, useState, type Ref } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { BookOpen, Trash2, Zap } from "lucide-react";
import { Link, useLocation, useNavigate } from "react-router";
import { apiPath, call, revisionOf } from "../../api/client";
import { demoAccountsQuery, refresh } from "../../api/queries";
import type { Connection, ConnectorDetail, Template } from "../../api/types";
import { Button } from "../../components/button";
import { ErrorBoundary } from "../../components/error-boundary";
import { Field } from "../../components/field";
import { Card, PageHeader } from "../../components/layout";
import { ErrorNotice, Loading } from "../../components/loaded";
import { Logo } from "../../components/logo";
import { Notice } from "../../components/notice";
import { useUnsavedChanges } from "../../components/unsaved-changes";
import { ParametersForm } from "../../form/parameters";
import { Preview } from "../../form/preview";
import { useTexts } from "../../text";
import { useFieldMessages } from "../../text/server-messages";
import { ActivateDialog } from "./activate";
import { DeleteConnectionDialog } from "./delete";
import { DeliveryReports } from "./delivery-reports";
import { useDraft } from "./draft";
import { fieldLabel, messagesBelow } from "./field-messages";
import { TestMessage } from "./test-message";

const Readme = lazy(() => import("../../components/readme"));
const TemplatesForm = lazy(() => import("../../form/templates").then((module) => ({ default: module.TemplatesForm })));

interface EditorProps {
  tenant: string;
  connector: ConnectorDetail;
  saved?: Connection;
  others: Connection[];
}

export function Editor({ tenant, connector, saved, others }: EditorProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const accounts = useQuery(demoAccountsQuery);
  const draft = useDraft(connector, saved, others);
  const { name, parameters, templates, dirty, problem } = draft;
  const [edited, setEdited] = useState<Template>();
  const [showGuide, setShowGuide] = useState(true);
  const [activating, setActivating] = useState(false);
  const [deleting, setDeleting] = useState(false);
  // A connection that was just created has another address, and thus another editor: what happened comes along with the address.
  const { pathname, state } = useLocation() as { pathname: string; state: { success?: string } | null };
  const [success, setSuccess] = useState(state?.success ?? "");
  // Said once: not again after a reload.
  useEffect(() => {
    if (state?.success) void navigate(pathname, { replace: true, state: null });
  }, [state, pathname, navigate]);
  const unsaved = useUnsavedChanges(dirty);
  const summary = useRef<HTMLDivElement>(null);
  const [refusals, setRefusals] = useState(0);
  const showProblem = (error: unknown) => {
    draft.setProblem(error);
    setRefusals((count) => count + 1);
  };
  // Once it is rendered, what was refused takes the focus, and with it the view.
  useEffect(() => {
    if (refusals > 0) summary.current?.focus();
  }, [refusals]);

  const [revision, setRevision] = useState(() => saved && revisionOf(saved));
  const put = async () => {
    const body = { connector: connector.id, parameters, templates };
    const connection = await call<Connection>(apiPath(tenant, `connections/${encodeURIComponent(name)}`), { method: "PUT", body, ifMatch: revision });
    setRevision(revisionOf(connection));
    return connection;
  };
  const markSaved = (text: string) => {
    draft.markSaved();
    unsaved.release();
    setSuccess(text);
    void refresh(tenant);
  };
  const save = useMutation({
    mutationFn: put,
    onSuccess: async (connection) => {
      const text = connection.active ? t.connection.savedActive(name) : t.connection.saved(name);
      markSaved(text);
      draft.reset(connection);
      if (!saved) await navigate(`/t/${tenant}/connections/${name}`, { replace: true, state: { success: text } });
    },
    onError: showProblem,
  });

  const demoAccount = saved ? undefined : accounts.data?.find((one) => one.connector === connector.id);
  const fieldMessages = useFieldMessages();
  const errors = useMemo(() => {
    const fields = fieldMessages(problem);
    return {
      parameters: messagesBelow(fields, "/parameters"),
      templates: messagesBelow(fields, "/templates"),
      name: Object.values(messagesBelow(fields, "name")).flat(),
    };
  }, [fieldMessages, problem]);
  const previewed = edited ?? templates.find((one) => one.usage === "sign-in" && !one.locale) ?? templates[0];
  const replaces = !saved && others.some((one) => one.name === name);
  const templatesHelp = { text: t.connection.templatesHelp, template: t.connection.providerTemplates, variables: t.connection.noTemplates };

  return (
    <>
      <PageHeader
        title={
          <span className="titled">
            <Logo svg={connector.logo} name={connector.name} />
            {saved ? t.connection.editTitle(saved.name) : t.connection.title(connector.name)}
          </span>
        }
        lead={connector.description}
        actions={
          <>
            <Button icon={<BookOpen size={16} aria-hidden="true" />} aria-expanded={showGuide} onClick={() => setShowGuide(!showGuide)}>
              {showGuide ? t.connection.hideReadme : t.connection.showReadme}
            </Button>
            {saved && (
              <Button variant="quiet" icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => setDeleting(true)}>
                {t.common.delete}
              </Button>
            )}
          </>
        }
      />
      <div className={showGuide ? "setup with-guide" : "setup"}>
        {showGuide && (
          <aside className="card guide" aria-label={t.connection.readme} tabIndex={0}>
            <ErrorBoundary>
              <Suspense fallback={<Loading />}>
                <Readme markdown={connector.readme} />
              </Suspense>
            </ErrorBoundary>
          </aside>
        )}
        <div className="setup-form">
          {success && !dirty && <Notice tone="good" announce>{success}</Notice>}
          {saved && !dirty && saved.neededVariables.length > 0 && (
            <Notice tone="info">{t.connection.neededVariables(saved.neededVariables.map((one) => `{{${one}}}`).join(", "))}</Notice>
          )}
          {problem !== undefined && <ProblemSummary ref={summary} problem={problem} connector={connector} templates={templates} />}
          <Card title={t.connection.parameters} help={t.connection.parametersHelp}>
            {demoAccount && (
              <Notice tone="info" actions={<Button onClick={() => draft.fillIn(demoAccount)}>{t.connection.demoFill}</Button>}>
                {t.connection.demo}
              </Notice>
            )}
            {!saved && (
              <Field
                label={t.connection.name}
                help={t.connection.nameHelp}
                error={errors.name.join(" ") || (replaces ? t.promote.replaces : undefined)}
              >
                {(ids) => <input {...ids} value={name} maxLength={40} onChange={(event) => draft.changeName(event.target.value)} />}
              </Field>
            )}
            {errors.parameters[""]?.map((error) => <p className="error" key={error}>{error}</p>)}
            <ErrorBoundary>
              <ParametersForm
                schema={connector.parametersSchema}
                value={parameters}
                onChange={draft.changeParameters}
                secrets={saved?.secrets ?? {}}
                errors={errors.parameters}
              />
            </ErrorBoundary>
          </Card>
          <Card title={t.connection.templates} help={templatesHelp[connector.content]}>
            {connector.content !== "variables" && (
              <div className={connector.content === "text" ? "templates" : ""}>
                <div className="grow stack">
                  <Suspense fallback={<Loading />}>
                    <TemplatesForm
                      connector={connector}
                      value={templates}
                      onChange={draft.changeTemplates}
                      errors={errors.templates}
                      onSelect={setEdited}
                    />
                  </Suspense>
                </div>
                {connector.content === "text" && <Preview tenant={tenant} template={previewed} />}
              </div>
            )}
          </Card>
          <TestMessage
            tenant={tenant}
            connector={connector}
            saved={saved}
            parameters={parameters}
            templates={templates}
            hasProblem={problem !== undefined}
            onProblem={(error) => (error ? showProblem(error) : draft.setProblem(undefined))}
            onShowProblem={() => summary.current?.focus()}
            onAccepted={draft.markAccepted}
          />
          {saved?.deliveryReports.supported && <DeliveryReports reports={saved.deliveryReports} />}
          <div className="save-bar" role="group" aria-label={t.common.save}>
            <p className="fine grow">
              {dirty ? t.common.unsaved : saved?.active ? t.activate.same : ""}
            </p>
            <Link className="button quiet" to={`/t/${tenant}/connectors`}>{t.common.back}</Link>
            <Button variant={saved?.active ? "primary" : "plain"} busy={save.isPending} onClick={() => save.mutate()}>
              {t.common.save}
            </Button>
            {!saved?.active && (
              <Button variant="primary" icon={<Zap size={16} aria-hidden="true" />} onClick={() => setActivating(true)}>
                {t.activate.saveAndConfirm}
              </Button>
            )}
          </div>
        </div>
      </div>
      {activating && (
        <ActivateDialog
          tenant={tenant}
          name={name}
          tested={draft.isTested}
          before={put}
          onClose={() => setActivating(false)}
          onBeforeError={(error) => {
            setActivating(false);
            showProblem(error);
          }}
          onDone={() => {
            setActivating(false);
            markSaved(t.activate.done(name));
            void navigate(`/t/${tenant}/connections/${name}`, { replace: true, state: { success: t.activate.done(name) } });
          }}
        />
      )}
      {deleting && saved && (
        <DeleteConnectionDialog tenant={tenant} connection={saved} onClose={() => setDeleting(false)} onDeleted={unsaved.release} />
      )}
      {unsaved.dialog}
    </>
  );
}

interface ProblemSummaryProps {
  ref: Ref<HTMLDivElement>;
  problem: unknown;
  connector: ConnectorDetail;
  templates: Template[];
}

/** What the server refused, with every field that needs a correction. */
function ProblemSummary({ ref, problem, connector, templates }: ProblemSummaryProps) {
  const t = useTexts();
  const fields = useFieldMessages()(problem);
  return (
    <div ref={ref} tabIndex={-1} className="summary">
      {fields.length > 0 ? (
        <Notice tone="bad" title={`${t.connection.problems}: ${t.connection.errors(fields.length)}`} announce>
          <ul>
            {fields.map((field) => (
              <li key={field.field + field.message}>
                <b>{fieldLabel(field.field, connector, templates, t)}</b>: <span lang={field.lang}>{field.message}</span>
              </li>
            ))}
          </ul>
        </Notice>
      ) : (
        <ErrorNotice error={problem} />
      )}
    </div>
  );
}
