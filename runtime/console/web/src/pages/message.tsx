// One message as a timeline: when it was accepted, its attempts with their traces and retry decisions, and delivery reports.

import { useMutation, useQuery } from "@tanstack/react-query";
import { ArrowLeft, Check, CircleHelp, Clock, Inbox, Smartphone, X } from "lucide-react";
import { Link, useParams } from "react-router";
import { apiPath, call } from "../api/client";
import { messageQuery, refresh } from "../api/queries";
import type { Attempt, DeliveryReport, Message } from "../api/types";
import { DeliveryBadge, deliveryTone, StatusBadge } from "../components/badge";
import { Button, CopyButton } from "../components/button";
import { Card, Facts, PageHeader } from "../components/layout";
import { ErrorNotice, Loaded } from "../components/loaded";
import { Notice } from "../components/notice";
import { ServerText } from "../components/server-text";
import { ShapeLineDiff, ShapeLines } from "../components/shape-line";
import { FailureFacts, Requests, ResourceUse, Responses, Trace } from "../components/trace";
import { useFormat, useTexts } from "../text";

const isFinal = (message: Message | undefined) => message !== undefined && !["queued", "sending"].includes(message.status);

/** Providers report seconds or minutes after they accept a message, and sometimes never. */
const REPORTS_EXPECTED_FOR_MS = 3_600_000;

function reportPollInterval(message: Message | undefined): number | false {
  const isOver = message?.status !== "accepted" || ["good", "bad"].includes(deliveryTone(message.delivery?.state ?? "unknown"));
  const isRecent = message !== undefined && Date.now() - new Date(message.createdAt).getTime() < REPORTS_EXPECTED_FOR_MS;
  return !isOver && isRecent ? 2000 : false;
}

export default function MessagePage() {
  const t = useTexts();
  const { tenant = "", message: id = "" } = useParams();
  const query = useQuery({
    ...messageQuery(tenant, id),
    refetchInterval: (state) => (state.state.error ? false : isFinal(state.state.data) ? reportPollInterval(state.state.data) : 1000),
  });
  return (
    <>
      <p>
        <Link to={`/t/${tenant}/messages`} className="with-icon"><ArrowLeft size={16} aria-hidden="true" /> {t.message.back}</Link>
      </p>
      <Loaded query={query}>{(message) => <MessageDetails tenant={tenant} message={message} />}</Loaded>
    </>
  );
}

function MessageDetails({ tenant, message }: { tenant: string; message: Message }) {
  const t = useTexts();
  const format = useFormat();
  return (
    <>
      <PageHeader title={<>{t.message.title} <StatusBadge status={message.status} /> {message.delivery && <DeliveryBadge state={message.delivery.state} />}</>} lead={t.statusHelp[message.status]} />
      <div className="message-columns">
        <Card title={t.message.timeline}>
          <ol className="timeline">
            <li>
              <span className="dot info"><Inbox size={16} aria-hidden="true" /></span>
              <div>
                <h3>{t.message.taken} <time dateTime={message.createdAt}>{format.dateTime(message.createdAt)}</time></h3>
                <p className="help">{t.message.takenHelp}</p>
              </div>
            </li>
            {message.attempts.map((attempt) => (
              <AttemptItem key={attempt.number} tenant={tenant} attempt={attempt} since={message.createdAt} />
            ))}
            {message.attempts.length === 0 && (
              <li>
                <span className="dot"><Clock size={16} aria-hidden="true" /></span>
                <div><p>{message.test ? t.message.nothingSent : t.message.noAttempt}</p></div>
              </li>
            )}
            {message.nextAttemptAt && (
              <li>
                <span className="dot info"><Clock size={16} aria-hidden="true" /></span>
                <div><p>{t.message.next(format.time(message.nextAttemptAt))}</p></div>
              </li>
            )}
            {isFinal(message) && (
              <li>
                <Dot outcome={message.status} />
                <div>
                  <h3>{t.message.ended}: {t.status[message.status]}</h3>
                  <p className="help">
                    {t.statusHelp[message.status]}
                    {message.status === "accepted" && !message.delivery && ` ${t.message.noReport}`}
                  </p>
                  {message.failure && message.attempts.length === 0 && <FailureFacts failure={message.failure} />}
                </div>
              </li>
            )}
            {message.attempts.flatMap((attempt) => attempt.deliveryReports.map((report) => (
              <ReportItem key={`${attempt.number}-${report.state}`} report={report} since={message.createdAt} />
            )))}
          </ol>
        </Card>
        <Card title={t.message.summary}>
          <Facts
            facts={[
              [t.messages.recipient, message.to],
              [t.messages.country, message.country && format.country(message.country)],
              [t.messages.usage, t.usages[message.usage]],
              [t.message.flow, message.flow && t.flowNames[message.flow]],
              [t.connection.locale, message.locale && format.language(message.locale)],
              [t.messages.segments, message.segments],
              [t.testResult.providerId, message.providerMessageId && <code>{message.providerMessageId}</code>],
              [t.message.verification, message.verification && <code>{message.verification}</code>],
              [t.message.expires, format.dateTime(message.expiresAt)],
              [t.message.reference, message.reference && <code>{message.reference}</code>],
              [t.message.metadata, Object.keys(message.metadata).length > 0 && (
                <ul className="plain">
                  {Object.entries(message.metadata).map(([name, value]) => <li key={name}><code>{name}</code> {value}</li>)}
                </ul>
              )],
              ["ID", <span className="row"><code>{message.id}</code> <CopyButton text={message.id} name="ID" /></span>],
            ]}
          />
          {message.test && <Notice tone="info">{t.message.nothingSent}</Notice>}
          {message.status === "queued" && !message.verification && <CancelMessage tenant={tenant} id={message.id} />}
          {message.attempts.at(-1) && (
            <p>
              <Link to={`/t/${tenant}/connections/${message.attempts.at(-1)?.connection}`}>
                {t.connectors.editNamed(message.attempts.at(-1)?.connection ?? "")}
              </Link>
            </p>
          )}
        </Card>
      </div>
    </>
  );
}

/** Cancels a message that waits for an attempt. */
function CancelMessage({ tenant, id }: { tenant: string; id: string }) {
  const t = useTexts();
  const cancel = useMutation({
    mutationFn: () => call<Message>(apiPath(tenant, `messages/${encodeURIComponent(id)}/cancel`), { method: "POST" }),
    onSuccess: () => void refresh(tenant),
  });
  return (
    <>
      <p className="help">{t.message.cancelHelp}</p>
      <Button busy={cancel.isPending} onClick={() => cancel.mutate()}>{t.message.cancel}</Button>
      {cancel.isError && <ErrorNotice error={cancel.error} />}
    </>
  );
}

function Dot({ outcome }: { outcome: string | null | undefined }) {
  if (outcome === "accepted") return <span className="dot good"><Check size={16} aria-hidden="true" /></span>;
  if (outcome === "in-doubt") return <span className="dot warn"><CircleHelp size={16} aria-hidden="true" /></span>;
  if (outcome == null) return <span className="dot info"><Clock size={16} aria-hidden="true" /></span>;
  return <span className="dot bad"><X size={16} aria-hidden="true" /></span>;
}

/** A delivery report of the provider. */
function ReportItem({ report, since }: { report: DeliveryReport; since: string }) {
  const t = useTexts();
  const format = useFormat();
  const later = (new Date(report.reportedAt).getTime() - new Date(since).getTime()) * 1000;
  const tone = deliveryTone(report.state);
  return (
    <li>
      <span className={`dot ${tone === "neutral" ? "info" : tone}`}><Smartphone size={16} aria-hidden="true" /></span>
      <div>
        <h3>{t.message.reported} <DeliveryBadge state={report.state} /></h3>
        <p className="help">
          {t.deliveryHelp[report.state]} · {t.message.after(format.micros(Math.max(0, later)))}
          {!report.signed && ` · ${t.message.unsigned}`}
        </p>
        <Facts
          facts={[
            [t.messages.failure, report.class && <><b>{t.failures[report.class]}</b>: {t.failureHelp[report.class]}</>],
            [t.testResult.providerCode, report.providerCode && <code>{report.providerCode}</code>],
            [t.message.providerSays, report.message && <q>{report.message}</q>],
          ]}
        />
      </div>
    </li>
  );
}

function AttemptItem({ tenant, attempt, since }: { tenant: string; attempt: Attempt; since: string }) {
  const t = useTexts();
  const format = useFormat();
  const micros = (from: string, to: string) => format.micros((new Date(to).getTime() - new Date(from).getTime()) * 1000);
  const { detail } = attempt;
  return (
    <li>
      <Dot outcome={attempt.outcome} />
      <div>
        <h3>
          {t.message.attempt(attempt.number)} {attempt.outcome ? <StatusBadge status={attempt.outcome} /> : t.message.underWay}
        </h3>
        <p className="help">
          {t.message.by(attempt.connection, attempt.connector)}
          {" · "}
          {t.message.after(micros(since, attempt.startedAt))}
          {attempt.finishedAt && ` · ${t.testResult.duration} ${micros(attempt.startedAt, attempt.finishedAt)}`}
          {detail?.responseStatus != null && ` · ${t.message.answered(detail.responseStatus)}`}
        </p>
        {detail?.route && <p className="help">{t.message.route}: {t.routes[detail.route]}</p>}
        {detail && detail.unfilledVariables.length > 0 && (
          <Notice tone="warn">{t.message.unfilled(detail.unfilledVariables.map((one) => `{{${one}}}`).join(", "))}</Notice>
        )}
        {attempt.failure && <FailureFacts failure={attempt.failure} />}
        {attempt.decision && (
          <p className="decision"><b>{t.message.decision}:</b> <ServerText topic="decision" message={attempt.decision} /></p>
        )}
        {detail && detail.trace.length > 0 && (
          <>
            <details open={attempt.outcome !== "accepted"}>
              <summary>{t.message.steps}</summary>
              <Trace events={detail.trace} />
            </details>
            {detail.requests.length > 0 && (
              <details>
                <summary>{t.testResult.request}</summary>
                <Requests requests={detail.requests} />
              </details>
            )}
            {detail.heldRequest && (
              <details open>
                <summary>{t.requestShapes.heldRequest}</summary>
                {detail.heldShape && (
                  <>
                    <p>{t.requestShapes.changes}</p>
                    <ShapeLines label={t.requestShapes.changes}>
                      {detail.heldShape.changes.map((change) => <ShapeLineDiff key={`${change.added}${change.line}`} change={change} />)}
                    </ShapeLines>
                  </>
                )}
                <Requests requests={[detail.heldRequest]} />
                <p>
                  <Link to={`/t/${tenant}/connectors/${attempt.connector}/versions`}>{t.requestShapes.review(attempt.connector)}</Link>
                </p>
              </details>
            )}
            <Responses events={detail.trace} />
            {detail.resourceUsage && (
              <details>
                <summary>{t.testResult.used}</summary>
                <ResourceUse usage={detail.resourceUsage} />
              </details>
            )}
          </>
        )}
        <p className="fine digest">{t.message.digest} <code>{attempt.connectorDigest.slice(0, 19)}…</code></p>
      </div>
    </li>
  );
}
