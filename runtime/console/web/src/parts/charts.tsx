// The charts that the pages need: columns and lines over time, bars by name. Each says its numbers in words, too.

import type { ReactNode } from "react";
import type { Tone } from "./basics";
import { useFormat, useTexts } from "../text";

interface Column {
  name: string;
  parts: { tone: Tone; name: string; value: number }[];
}

const HEIGHT = 160;
const WIDTH = 720;

/** 1, 2 or 5 times a power of ten, at or above a number: what the top of a scale is called. */
function roundUp(number: number): number {
  if (number <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(number));
  return ([1, 2, 5, 10].find((step) => step * power >= number) ?? 10) * power;
}

interface FrameProps {
  label: string;
  names: string[];
  top: string;
  middle: string;
  legend: { tone: Tone; name: string }[];
  rows: { name: string; values: string[] }[];
  children: ReactNode;
}

/** A scale, the time below it, what the colours mean, and all of it as a table. */
function Frame({ label, names, top, middle, legend, rows, children }: FrameProps) {
  const t = useTexts();
  return (
    <figure className="chart">
      <div className="plot">
        <div className="scale" aria-hidden="true">
          <span>{top}</span>
          <span>{middle}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 -1 ${WIDTH} ${HEIGHT + 3}`} role="img" aria-label={label} preserveAspectRatio="none">
          {[0, HEIGHT / 2].map((y) => <line key={y} x1={0} x2={WIDTH} y1={y} y2={y} className="grid-line" />)}
          <line x1={0} x2={WIDTH} y1={HEIGHT + 1} y2={HEIGHT + 1} className="axis" />
          {children}
        </svg>
      </div>
      <figcaption>
        <span>{names[0]}</span>
        <span className="legend">
          {legend.map((one) => <span key={one.name}><i className={`key-${one.tone}`} aria-hidden="true" /> {one.name}</span>)}
        </span>
        <span>{names.at(-1)}</span>
      </figcaption>
      <details>
        <summary>{t.common.details}</summary>
        <div className="scrolled" tabIndex={0} role="group" aria-label={label}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t.messages.time}</th>
                {legend.map((one) => <th scope="col" className="number" key={one.name}>{one.name}</th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name}>
                  <td>{row.name}</td>
                  {row.values.map((value, index) => <td className="number" key={legend[index]?.name}>{value}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

export function Columns({ label, columns }: { label: string; columns: Column[] }) {
  const format = useFormat();
  const total = (column: Column) => column.parts.reduce((sum, part) => sum + part.value, 0);
  // A count has no halves.
  const most = Math.max(2, roundUp(Math.max(...columns.map(total))));
  const step = WIDTH / Math.max(1, columns.length);
  const gap = Math.min(4, step * 0.2);
  return (
    <Frame
      label={label}
      names={columns.map((column) => column.name)}
      top={format.number(most)}
      middle={most % 2 === 0 ? format.number(most / 2) : ""}
      legend={columns[0]?.parts ?? []}
      rows={columns.filter((column) => total(column) > 0).map((column) => ({
        name: column.name,
        values: column.parts.map((part) => format.number(part.value)),
      }))}
    >
      {columns.map((column, index) => {
        let top = HEIGHT;
        return (
          <g key={column.name}>
            <title>{`${column.name}: ${column.parts.map((part) => `${part.name} ${format.number(part.value)}`).join(", ")}`}</title>
            {column.parts.map((part) => {
              const height = (part.value / most) * HEIGHT;
              top -= height;
              return (
                <rect key={part.name} className={`fill-${part.tone}`} x={index * step + gap / 2} y={top} width={Math.max(1, step - gap)} height={height} rx={Math.min(2, height / 2)} />
              );
            })}
          </g>
        );
      })}
    </Frame>
  );
}

interface LinesProps {
  label: string;
  names: string[];
  /** The top of the scale, where it does not depend on the values. */
  most?: number;
  shown: (value: number) => string;
  /** `null`: there is no value at that time. */
  lines: { tone: Tone; name: string; values: (number | null)[] }[];
}

export function Lines({ label, names, most, shown, lines }: LinesProps) {
  const top = most ?? roundUp(Math.max(0, ...lines.flatMap((line) => line.values.filter((value) => value !== null))));
  const step = WIDTH / Math.max(1, names.length);
  const x = (index: number) => (index + 0.5) * step;
  const y = (value: number) => HEIGHT - (Math.min(value, top) / top) * HEIGHT;
  const rows = names
    .map((name, index) => ({ name, all: lines.map((line) => line.values[index] ?? null) }))
    .filter(({ all }) => all.some((value) => value !== null))
    .map(({ name, all }) => ({ name, values: all.map((value) => (value === null ? "—" : shown(value))) }));
  return (
    <Frame label={label} names={names} top={shown(top)} middle={shown(top / 2)} legend={lines} rows={rows}>
      {lines.map((line) => (
        <g key={line.name}>
          {stretches(line.values).map((stretch) => (
            <polyline
              key={stretch[0]?.index}
              className={`line-${line.tone}`}
              points={stretch.map(({ index, value }) => `${x(index)},${y(value)}`).join(" ")}
            />
          ))}
          {line.values.map((value, index) =>
            value === null ? null : (
              // A line of no length: a round dot, however the picture is stretched.
              <line key={names[index]} className={`point line-${line.tone}`} x1={x(index)} x2={x(index) + 0.01} y1={y(value)} y2={y(value)}>
                <title>{`${names[index]}: ${line.name} ${shown(value)}`}</title>
              </line>
            ),
          )}
        </g>
      ))}
    </Frame>
  );
}

/** What is drawn in one go: values without a hole between them. */
function stretches(values: (number | null)[]): { index: number; value: number }[][] {
  const all: { index: number; value: number }[][] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = all.at(-1);
    if (last?.at(-1)?.index === index - 1) last.push({ index, value });
    else all.push([{ index, value }]);
  });
  return all;
}

export function Bars({ rows }: { rows: { name: string; value: number; shown: string; tone: Tone }[] }) {
  const most = Math.max(1, ...rows.map((row) => row.value));
  return (
    <ul className="bars">
      {rows.map((row) => (
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
