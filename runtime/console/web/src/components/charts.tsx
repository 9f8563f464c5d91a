// Charts: columns and lines over time, bars by name. Each has its numbers as text, too.

import type { ReactNode } from "react";
import { Bar, BarChart, CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Tone } from "./badge";
import { useTexts } from "../text";

/** A value over time; `null` where there is none. */
interface Series {
  tone: Tone;
  name: string;
  values: (number | null)[];
}

interface OverTimeProps {
  label: string;
  /** The labels of the points in time. */
  names: string[];
  series: Series[];
  format: (value: number) => string;
  /** The values on the axis, where they do not follow from the data. */
  ticks?: number[];
}

/** In pixels. */
const HEIGHT = 190;
const MARGIN = { top: 8, right: 8, bottom: 0, left: 0 };
const TICK = { fill: "var(--muted)", fontSize: 12 };
const TOOLTIP = { background: "var(--raised)", border: "1px solid var(--line)", borderRadius: 8, color: "var(--text)", fontSize: 13 };

const colour = (tone: Tone) => `var(--${tone}-fill)`;

/** Stacked columns: each series is a part of the total. */
export function StackedColumns(props: OverTimeProps) {
  return (
    <Frame {...props}>
      <BarChart data={rows(props)} margin={MARGIN} accessibilityLayer={false}>
        {axes(props)}
        {props.series.map((one) => (
          <Bar key={one.name} dataKey={one.name} stackId="whole" fill={colour(one.tone)} isAnimationActive={false} />
        ))}
      </BarChart>
    </Frame>
  );
}

export function Lines(props: OverTimeProps) {
  return (
    <Frame {...props}>
      <LineChart data={rows(props)} margin={MARGIN} accessibilityLayer={false}>
        {axes(props)}
        {props.series.map((one) => (
          <Line
            key={one.name}
            dataKey={one.name}
            stroke={colour(one.tone)}
            strokeWidth={2}
            dot={{ r: 3, fill: colour(one.tone), strokeWidth: 0 }}
            isAnimationActive={false}
          />
        ))}
      </LineChart>
    </Frame>
  );
}

function rows({ names, series }: OverTimeProps): Record<string, string | number | null>[] {
  return names.map((name, index) => ({ name, ...Object.fromEntries(series.map((one) => [one.name, one.values[index] ?? null])) }));
}

/** An array, not a component: a chart looks for its axes among its direct children. */
function axes({ format, ticks }: OverTimeProps): ReactNode[] {
  const top = ticks?.at(-1);
  return [
    <CartesianGrid key="grid" vertical={false} stroke="var(--line)" />,
    <XAxis key="x" dataKey="name" tick={TICK} tickLine={false} axisLine={{ stroke: "var(--line-strong)" }} interval="preserveStartEnd" minTickGap={48} />,
    <YAxis
      key="y"
      width="auto"
      tick={TICK}
      tickLine={false}
      axisLine={false}
      allowDecimals={false}
      tickFormatter={(value) => format(Number(value))}
      ticks={ticks}
      domain={top === undefined ? [0, "auto"] : [0, top]}
    />,
    <Tooltip key="tooltip" contentStyle={TOOLTIP} cursor={{ fill: "var(--sunken)", stroke: "var(--line-strong)" }} formatter={(value) => format(Number(value))} />,
  ];
}

/** The chart with its legend and its data as a table. */
function Frame({ label, names, series, format, children }: OverTimeProps & { children: ReactNode }) {
  const t = useTexts();
  const rowsWithData = names
    .map((name, index) => ({ name, values: series.map((one) => one.values[index] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null && value !== 0));
  return (
    <figure className="chart">
      <div role="img" aria-label={label}>
        <ResponsiveContainer width="100%" height={HEIGHT} initialDimension={{ width: 640, height: HEIGHT }}>{children}</ResponsiveContainer>
      </div>
      <figcaption className="legend">
        {series.map((one) => <span key={one.name}><i className={`key-${one.tone}`} aria-hidden="true" /> {one.name}</span>)}
      </figcaption>
      <details>
        <summary>{t.common.details}</summary>
        <div className="scrolled" tabIndex={0} role="group" aria-label={label}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t.messages.time}</th>
                {series.map((one) => <th scope="col" className="number" key={one.name}>{one.name}</th>)}
              </tr>
            </thead>
            <tbody>
              {rowsWithData.map(({ name, values }) => (
                <tr key={name}>
                  <td>{name}</td>
                  {values.map((value, index) => <td className="number" key={series[index]?.name}>{value === null ? "—" : format(value)}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

export function Bars({ rows: all }: { rows: { name: string; value: number; shown: string; tone: Tone }[] }) {
  const most = Math.max(1, ...all.map((row) => row.value));
  return (
    <ul className="bars">
      {all.map((row) => (
        <li key={row.name}>
          <span className="bars-name">{row.name}</span>
          <span className="bars-value">{row.shown}</span>
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect className="bars-track" width={100} height={6} />
            <rect className={`fill-${row.tone}`} width={Math.max(1, (row.value / most) * 100)} height={6} />
          </svg>
        </li>
      ))}
    </ul>
  );
}
