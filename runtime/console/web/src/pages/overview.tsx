// How it goes: what was sent, how much arrived, how fast, what failed, and what needs attention, in words.

import { useState, type ReactNode } from "react";
import { useQuery } from "@tanstack/react-query";
import { Check, CircleAlert, Circle, Info, TriangleAlert } from "lucide-react";
import { Link, useParams } from "react-router";
import { at, call } from "../api/client";
import { activeQuery, connectionsQuery, isMissing, policyQuery } from "../api/queries";
import type { ApiKey, Statistics } from "../api/types";
import { Card, Empty, Notice, PageHead } from "../parts/basics";
import { Bars, Columns } from "../parts/charts";
import { Failed, Loaded, Waiting } from "../parts/loaded";
import { useFormat, useTexts } from "../text";

const RANGES = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };
type Range = keyof typeof RANGES;

export default function Overview() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const [range, setRange] = useState<Range>("day");
  const statistics = useQuery({
    queryKey: ["tenant", tenant, "statistics", range],
    queryFn: async ({ signal }): Promise<Statistics | null> => {
      const to = new Date();
      const from = new Date(to.getTime() - RANGES[range]);
      try {
        return await call<Statistics>(at(tenant, "statistics", { from: from.toISOString(), to: to.toISOString() }), { signal });
      } catch (error) {
        // Before the server counts anything.
        if (isMissing(error)) return null;
        throw error;
      }
    },
    refetchInterval: (query) => (query.state.data && !query.state.error ? 15_000 : false),
  });
  return (
    <>
      <PageHead
        title={t.overview.title}
        actions={
          statistics.data && (
            <div className="segmented" role="radiogroup" aria-label={t.overview.range}>
              {(Object.keys(RANGES) as Range[]).map((one) => (
                <label key={one}>
                  <input type="radio" name="range" checked={range === one} onChange={() => setRange(one)} />
                  <span>{t.overview.ranges[one]}</span>
                </label>
              ))}
            </div>
          )
        }
      />
      <FirstSteps tenant={tenant} />
      {statistics.isPending && <Waiting />}
      {statistics.isError && <Failed error={statistics.error} onRetry={() => void statistics.refetch()} />}
      {statistics.data === null && (
        <Empty title={t.overview.unavailable}>
          {t.overview.unavailableHelp} <Link to={`/t/${tenant}/messages`}>{t.shell.messages}</Link>
        </Empty>
      )}
      {statistics.data && <Numbers tenant={tenant} statistics={statistics.data} />}
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

function Numbers({ tenant, statistics }: { tenant: string; statistics: Statistics }) {
  const t = useTexts();
  const format = useFormat();
  const { totals, conversion, latencyMs, failures, countries, series, attention } = statistics;
  const ms = (value: number | null) => (value === null ? "—" : format.micros(value * 1000));
  const icons = { info: Info, warning: TriangleAlert, critical: CircleAlert };
  return (
    <>
      <dl className="figures">
        <Figure name={t.overview.messages} value={format.number(totals.messages)} help={t.overview.segments(totals.segments)} />
        <Figure name={t.overview.success} value={totals.messages > 0 ? format.percent(totals.accepted / totals.messages) : "—"} help={`${format.number(totals.accepted)} / ${format.number(totals.messages)}`} />
        <Figure name={t.overview.conversion} value={conversion.rate === null || conversion.started === 0 ? "—" : format.percent(conversion.approved / conversion.started)} help={t.overview.conversionHelp(format.number(conversion.approved), format.number(conversion.started))} />
        <Figure name={t.overview.latency} value={ms(latencyMs.p50)} help={t.overview.latencyHelp(ms(latencyMs.p95), ms(latencyMs.p99))} />
      </dl>
      <Card title={t.overview.attention}>
        {attention.length === 0 ? (
          <p className="with-icon"><Check size={18} aria-hidden="true" /> {t.overview.noAttention}</p>
        ) : (
          <ul className="attention">
            {attention.map((one) => {
              const Icon = icons[one.severity];
              return (
                <li key={one.text} className={one.severity}>
                  <Icon size={18} aria-hidden="true" /> <span>{one.text}</span>
                </li>
              );
            })}
          </ul>
        )}
      </Card>
      {totals.messages === 0 ? (
        <Empty title={t.overview.empty}>{t.overview.emptyHelp}</Empty>
      ) : (
        <>
          <Card title={t.overview.sends}>
            <Columns
              label={t.overview.sends}
              columns={series.map((one) => ({
                name: format.dateTime(one.at),
                parts: [
                  { tone: "good", name: t.overview.accepted, value: one.accepted },
                  { tone: "bad", name: t.overview.failed, value: one.failed },
                  { tone: "neutral", name: t.overview.other, value: Math.max(0, one.messages - one.accepted - one.failed) },
                ],
              }))}
            />
          </Card>
          <div className="two-columns">
            <Card title={t.overview.failures}>
              {failures.length === 0 ? (
                <p className="fine">{t.overview.noFailures}</p>
              ) : (
                <Bars rows={failures.map((one) => ({ name: t.failures[one.class] ?? one.class, value: one.count, shown: format.number(one.count), tone: "bad" }))} />
              )}
              <p><Link to={`/t/${tenant}/messages?status=failed`}>{t.shell.messages}</Link></p>
            </Card>
            <Card title={t.overview.countries}>
              <Bars
                rows={countries.map((one) => ({
                  name: one.country ? format.country(one.country) : t.common.unknown,
                  value: one.messages,
                  shown: `${format.number(one.messages)} · ${one.messages > 0 ? format.percent(one.accepted / one.messages) : "—"}`,
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

/** What is left to do until the first message can go out. Gone when all of it is done. */
function FirstSteps({ tenant }: { tenant: string }) {
  const t = useTexts();
  const connections = useQuery(connectionsQuery(tenant));
  const active = useQuery(activeQuery(tenant));
  const policy = useQuery(policyQuery(tenant));
  const keys = useQuery({
    queryKey: ["tenant", tenant, "keys"],
    queryFn: ({ signal }) => call<ApiKey[]>(at(tenant, "keys"), { signal }),
  });
  const failed = [connections, active, policy, keys].find((query) => query.isError && query.data === undefined);
  if (failed) return <Loaded query={failed as typeof active}>{() => null}</Loaded>;
  if (!connections.data || !active.data || !policy.data || !keys.data) return null;
  const { steps } = t.overview;
  const all = [
    { done: connections.data.length > 0, name: steps.connector, help: steps.connectorHelp, path: "connectors" },
    { done: active.data.name !== null, name: steps.activate, help: steps.activateHelp, path: "connectors" },
    { done: active.data.name !== null && active.data.flows.length > 0, name: steps.flows, help: steps.flowsHelp, path: "flows" },
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
      {active.data.name === null && <Notice tone="info">{t.flows.noConnection}</Notice>}
    </Card>
  );
}
