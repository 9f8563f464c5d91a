// Two charts, as much as the pages need: columns over time, bars by name. Both say their numbers in words, too.

import type { Tone } from "./basics";
import { useFormat, useTexts } from "../text";

interface Column {
  name: string;
  parts: { tone: Tone; name: string; value: number }[];
}

const HEIGHT = 160;
const WIDTH = 720;

export function Columns({ label, columns }: { label: string; columns: Column[] }) {
  const t = useTexts();
  const format = useFormat();
  const total = (column: Column) => column.parts.reduce((sum, part) => sum + part.value, 0);
  const most = Math.max(1, ...columns.map(total));
  const step = WIDTH / Math.max(1, columns.length);
  const gap = Math.min(4, step * 0.2);
  return (
    <figure className="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + 2}`} role="img" aria-label={label} preserveAspectRatio="none">
        <line x1={0} x2={WIDTH} y1={HEIGHT + 1} y2={HEIGHT + 1} className="axis" />
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
      </svg>
      <figcaption>
        <span>{columns[0]?.name}</span>
        <span className="legend">
          {columns[0]?.parts.map((part) => (
            <span key={part.name}><i className={`key-${part.tone}`} aria-hidden="true" /> {part.name}</span>
          ))}
        </span>
        <span>{columns.at(-1)?.name}</span>
      </figcaption>
      <details>
        <summary>{t.common.details}</summary>
        <div className="scrolled" tabIndex={0} role="group" aria-label={label}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{t.messages.time}</th>
                {columns[0]?.parts.map((part) => <th scope="col" className="number" key={part.name}>{part.name}</th>)}
              </tr>
            </thead>
            <tbody>
              {columns.filter((column) => total(column) > 0).map((column) => (
                <tr key={column.name}>
                  <td>{column.name}</td>
                  {column.parts.map((part) => <td className="number" key={part.name}>{format.number(part.value)}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
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
