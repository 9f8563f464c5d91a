// The charts that the pages need: columns and lines over time, bars by name. Each says its numbers in words, too.

import type { ReactNode } from "react";
import { Bar, BarChart, CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Tone } from "./basics";
import { useTexts } from "../text";

/** One thing over time. `null`: there is no value at that time. */
interface Series {
  tone: Tone;
  name: string;
  values: (number | null)[];
}

interface OverTimeProps {
  label: string;
  /** The points in time, as people read them. */
  names: string[];
  series: Series[];
  shown: (value: number) => string;
  /** Values that the scale names, where they do not depend on what is drawn. */
  ticks?: number[];
}

/** Pixels. */
const HEIGHT = 190;
const MARGIN = { top: 8, right: 8, bottom: 0, left: 0 };
const TICK = { fill: "var(--muted)", fontSize: 12 };
const TOOLTIP = { background: "var(--raised)", border: "1px solid var(--line)", borderRadius: 8, color: "var(--text)", fontSize: 13 };

const colour = (tone: Tone) => `var(--${tone}-fill)`;

/** Parts of a whole, one upon the other. */
export function Columns(props: OverTimeProps) {
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

/** An array and no component: a chart looks for its parts among its children. */
function axes({ shown, ticks }: OverTimeProps): ReactNode[] {
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
      tickFormatter={(value) => shown(Number(value))}
      ticks={ticks}
      domain={top === undefined ? [0, "auto"] : [0, top]}
    />,
    <Tooltip key="tooltip" contentStyle={TOOLTIP} cursor={{ fill: "var(--sunken)", stroke: "var(--line-strong)" }} formatter={(value) => shown(Number(value))} />,
  ];
}

/** The picture, what its colours mean, and all of it as a table. */
function Frame({ label, names, series, shown, children }: OverTimeProps & { children: ReactNode }) {
  const t = useTexts();
  const told = names
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
              {told.map(({ name, values }) => (
                <tr key={name}>
                  <td>{name}</td>
                  {values.map((value, index) => <td className="number" key={series[index]?.name}>{value === null ? "—" : shown(value)}</td>)}
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
