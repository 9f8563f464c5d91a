// The overview of a tenant: first steps, statistics, and what needs attention.

import { useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Check, CircleAlert, Circle, Info, TriangleAlert } from "lucide-react";
import { Link, useParams } from "react-router";
import { apiPath, call } from "../api/client";
import { activeQuery, connectionsQuery, policyQuery } from "../api/queries";
import type { Alert, AlertSubject, ApiKey, Statistics } from "../api/types";
import { Bars, Lines, StackedColumns } from "../components/charts";
import { Card, PageHeader } from "../components/layout";
import { Loaded } from "../components/loaded";
import { Empty, Notice } from "../components/notice";
import { ServerText } from "../components/server-text";
import { useFormat, useTexts } from "../text";

const RANGES = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };
type Range = keyof typeof RANGES;

export default function Overview() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const [range, setRange] = useState<Range>("day");
  const statistics = useQuery({
    queryKey: ["tenant", tenant, "statistics", range],
    queryFn: ({ signal }) => {
      const to = new Date();
      const from = new Date(to.getTime() - RANGES[range]);
      return call<Statistics>(apiPath(tenant, "statistics", { from: from.toISOString(), to: to.toISOString() }), { signal });
    },
    // Show the previous range of the same tenant until the new one is loaded.
    placeholderData: (before, of) => (of?.queryKey[1] === tenant ? before : undefined),
    refetchInterval: (query) => (query.state.data && !query.state.error ? 15_000 : false),
  });
  return (
    <>
      <PageHeader
        title={t.overview.title}
        actions={
          <div className="segmented" role="radiogroup" aria-label={t.overview.range}>
            {(Object.keys(RANGES) as Range[]).map((one) => (
              <label key={one}>
                <input type="radio" name="range" checked={range === one} onChange={() => setRange(one)} />
                <span>{t.overview.ranges[one]}</span>
              </label>
            ))}
          </div>
        }
      />
      <FirstSteps tenant={tenant} />
      <Loaded query={statistics}>{(counted) => <StatisticsView tenant={tenant} statistics={counted} />}</Loaded>
    </>
  );
}

function Figure({ name, value, help }: { name: ReactNode; value: ReactNode; help?: ReactNode }) {
  return (
    <div className="figure card">
      <dt>{name}</dt>
      <dd>
        <span className="figure-value">{value}</span>
        {help && <span className="fine">{help}</span>}
      </dd>
    </div>
  );
}

function StatisticsView({ tenant, statistics }: { tenant: string; statistics: Statistics }) {
  const t = useTexts();
  const format = useFormat();
  const { totals, conversion, latencyMs, failures, countries, series, alerts } = statistics;
  const policy = useQuery(policyQuery(tenant));
  const currency = policy.data?.spend?.currency;
  const cost = currency ? ` · ${t.overview.cost(format.money(totals.costMicros, currency))}` : "";
  const entered = ({ conversion: codes }: Statistics["countries"][number]) =>
    codes?.rate != null ? ` · ${t.overview.conversion}: ${format.percent(codes.rate)}` : "";
  const reported = totals.delivered + totals.undelivered;
  const ms = (value: number) => format.micros(value * 1000);
  const names = series.map(({ startsAt }) => (statistics.bucket === "day" ? format.day(startsAt) : format.hour(startsAt)));
  return (
    <>
      <dl className="figures">
        <Figure name={t.overview.messages} value={format.number(totals.messages)} help={`${t.overview.segments(totals.segments)}${cost}`} />
        <Figure name={t.overview.success} value={totals.messages > 0 ? format.percent(totals.accepted / totals.messages) : "—"} help={`${format.number(totals.accepted)} / ${format.number(totals.messages)}`} />
        <Figure
          name={t.overview.delivered}
          value={reported > 0 ? format.percent(totals.delivered / reported) : "—"}
          help={reported > 0 ? t.overview.deliveredHelp(format.number(totals.undelivered)) : t.overview.deliveredNone}
        />
        <Figure name={t.overview.conversion} value={conversion.rate == null ? "—" : format.percent(conversion.rate)} help={t.overview.conversionHelp(format.number(conversion.approved), format.number(conversion.started))} />
        <Figure name={t.overview.latency} value={latencyMs ? ms(latencyMs.p50) : "—"} help={latencyMs && t.overview.latencyHelp(ms(latencyMs.p95), ms(latencyMs.p99))} />
      </dl>
      <Card title={t.overview.attention}>
        {alerts.length === 0 ? (
          <p className="with-icon"><Check size={18} aria-hidden="true" /> {t.overview.noAttention}</p>
        ) : (
          <ul className="attention">
            {alerts.map((alert) => <AlertItem key={alert.message} tenant={tenant} alert={alert} />)}
          </ul>
        )}
      </Card>
      {totals.messages === 0 ? (
        <Empty title={t.overview.empty}>{t.overview.emptyHelp}</Empty>
      ) : (
        <>
          <Card title={t.overview.sends}>
            <StackedColumns
              label={t.overview.sends}
              names={names}
              format={format.number}
              series={[
                { tone: "good", name: t.overview.accepted, values: series.map((one) => one.accepted) },
                { tone: "bad", name: t.overview.failed, values: series.map((one) => one.failed) },
                { tone: "warn", name: t.status["in-doubt"], values: series.map((one) => one.inDoubt) },
                { tone: "neutral", name: t.overview.other, values: series.map((one) => Math.max(0, one.messages - one.accepted - one.failed - one.inDoubt)) },
              ]}
            />
          </Card>
          <div className="two-columns">
            <Card title={t.overview.conversionOver}>
              {conversion.started === 0 ? (
                <p className="fine">{t.overview.noConversion}</p>
              ) : (
                <Lines
                  label={t.overview.conversionOver}
                  names={names}
                  ticks={[0, 0.5, 1]}
                  format={format.percent}
                  series={[{
                    tone: "good",
                    name: t.overview.conversion,
                    values: series.map(({ verifications: { started, approved } }) => (started === 0 ? null : approved / started)),
                  }]}
                />
              )}
            </Card>
            <Card title={t.overview.latencyOver}>
              {latencyMs == null ? (
                <p className="fine">{t.overview.noLatency}</p>
              ) : (
                <Lines
                  label={t.overview.latencyOver}
                  names={names}
                  format={ms}
                  series={[
                    { tone: "info", name: t.overview.half, values: series.map((one) => one.latencyMs?.p50 ?? null) },
                    { tone: "warn", name: t.overview.most, values: series.map((one) => one.latencyMs?.p95 ?? null) },
                  ]}
                />
              )}
            </Card>
          </div>
          <div className="two-columns">
            <Card title={t.overview.failures}>
              {failures.length === 0 ? (
                <p className="fine">{t.overview.noFailures}</p>
              ) : (
                <Bars rows={failures.map((one) => ({ name: t.failures[one.class], value: one.count, shown: format.number(one.count), tone: "bad" }))} />
              )}
              <p>
                <Link to={`/t/${tenant}/messages?status=failed`}>{t.overview.showFailed}</Link>
                {totals.inDoubt > 0 && <>{" · "}<Link to={`/t/${tenant}/messages?status=in-doubt`}>{t.overview.showInDoubt(totals.inDoubt)}</Link></>}
              </p>
            </Card>
            <Card title={t.overview.countries}>
              <Bars
                rows={countries.map((one) => ({
                  name: format.country(one.country),
                  value: one.messages,
                  shown: `${format.number(one.messages)} · ${one.messages > 0 ? format.percent(one.accepted / one.messages) : "—"}${entered(one)}`,
                  tone: "good",
                }))}
              />
            </Card>
          </div>
        </>
      )}
    </>
  );
}

const ICONS = { info: Info, warning: TriangleAlert, critical: CircleAlert };

/** Something that needs attention, with a link to its page. */
function AlertItem({ tenant, alert }: { tenant: string; alert: Alert }) {
  const t = useTexts();
  const Icon = ICONS[alert.severity];
  return (
    <li className={alert.severity}>
      <Icon size={18} aria-hidden="true" />{" "}
      <span>
        <ServerText topic="attention" message={alert} />{" "}
        {alert.subject && (
          <Link to={`/t/${tenant}/${pathTo(alert.subject)}`} aria-label={t.overview.lookAt(alert.subject.id)}>{t.overview.look}</Link>
        )}
      </span>
    </li>
  );
}

function pathTo({ kind, id }: AlertSubject): string {
  const name = encodeURIComponent(id);
  const paths = { connection: `connections/${name}`, connector: `connectors/${name}/versions`, country: `messages?country=${name}`, hold: "policy" };
  return paths[kind];
}

/** What to do before the first message can be sent. Hidden when all of it is done. */
function FirstSteps({ tenant }: { tenant: string }) {
  const t = useTexts();
  const connections = useQuery(connectionsQuery(tenant));
  const active = useQuery(activeQuery(tenant));
  const policy = useQuery(policyQuery(tenant));
  const keys = useQuery({
    queryKey: ["tenant", tenant, "keys"],
    queryFn: ({ signal }) => call<ApiKey[]>(apiPath(tenant, "keys"), { signal }),
  });
  const failed = [connections, active, policy, keys].find((query) => query.isError && query.data === undefined);
  if (failed) return <Loaded query={failed as typeof active}>{() => null}</Loaded>;
  if (!connections.data || !active.data || !policy.data || !keys.data) return null;
  const { steps } = t.overview;
  const all = [
    { done: connections.data.length > 0, name: steps.connector, help: steps.connectorHelp, path: "connectors" },
    { done: active.data.name != null, name: steps.activate, help: steps.activateHelp, path: "connectors" },
    { done: active.data.name != null && active.data.flows.length > 0, name: steps.flows, help: steps.flowsHelp, path: "flows" },
    { done: policy.data.countries.all || policy.data.countries.only.length > 0, name: steps.countries, help: steps.countriesHelp, path: "policy" },
    { done: keys.data.length > 0, name: steps.key, help: steps.keyHelp, path: "keys" },
  ];
  if (all.every((step) => step.done)) return null;
  return (
    <Card title={t.overview.start}>
      <ol className="steps">
        {all.map((step) => (
          <li key={step.name} className={step.done ? "done" : ""}>
            {step.done ? <Check size={18} aria-hidden="true" /> : <Circle size={18} aria-hidden="true" />}
            <div>
              <p>
                {step.done ? step.name : <Link to={`/t/${tenant}/${step.path}`}>{step.name}</Link>}
                {step.done && <span className="fine"> ({steps.done})</span>}
              </p>
              {!step.done && <p className="help">{step.help}</p>}
            </div>
          </li>
        ))}
      </ol>
      {active.data.name == null && <Notice tone="info">{t.flows.noConnection}</Notice>}
    </Card>
  );
}
