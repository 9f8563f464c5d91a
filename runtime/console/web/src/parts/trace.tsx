// What happened on the way of a send: its steps, what left (masked), and what it took.

import {
  ArrowDownLeft, ArrowUpRight, Ban, CircleSlash, Cpu, Eye, FileText, Flag, KeyRound, Lock, Settings2, type LucideIcon,
} from "lucide-react";
import type { Failure, Members, SentRequest, TraceEvent } from "../api/types";
import { Badge, Facts } from "./basics";
import { useFormat, useTexts, type Texts } from "../text";

type Line = { at: number; icon: LucideIcon; text: string; fine?: string; tone?: "bad" | "warn" };

const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));

function lineOf(event: TraceEvent, t: Texts): Omit<Line, "at"> {
  switch (event.event) {
    case "instantiated":
      return { icon: Cpu, text: t.trace.instantiated };
    case "config":
      return event["secret"]
        ? { icon: KeyRound, text: t.trace.secret(text(event["key"])) }
        : { icon: Settings2, text: t.trace.config(text(event["key"])) };
    case "sealed":
      return { icon: Lock, text: t.trace.sealed(text(event["operation"])) };
    case "revealed":
      return { icon: Eye, text: t.trace.revealed(text(event["labels"])), tone: "warn" };
    case "request":
      return {
        icon: ArrowUpRight,
        text: t.trace.request(text(event["method"]), text(event["url"])),
        fine: event["carriesMessage"] ? t.trace.carries : "",
      };
    case "refused":
      return { icon: Ban, text: t.trace.refused(text(event["reason"])), tone: "bad" };
    case "response": {
      const status = Number(event["status"]);
      return {
        icon: ArrowDownLeft,
        text: t.trace.response(status),
        fine: `${t.trace.peer(text(event["peer"]))}, ${t.trace.bytes(Number(event["bodyBytes"]))}`,
        tone: status >= 400 ? "bad" : undefined,
      };
    }
    case "no-response":
      return { icon: CircleSlash, text: t.trace.noResponse(text(event["reason"])), tone: "bad" };
    case "log":
      return { icon: FileText, text: t.trace.log(text(event["level"]), text(event["message"])) };
    case "log-truncated":
      return { icon: FileText, text: t.trace.logTruncated };
    case "returned": {
      const result = text(event["result"]);
      return {
        icon: Flag,
        text: t.trace.returned(t.failures[result] ?? result),
        tone: result === "receipt" ? undefined : "bad",
      };
    }
    default:
      return { icon: FileText, text: event.event };
  }
}

/** Settings that are read one after the other, and operations that repeat, are one line each. */
function lines(events: TraceEvent[], t: Texts): Line[] {
  const all: Line[] = [];
  let index = 0;
  while (index < events.length) {
    const event = events[index];
    if (!event) break;
    let end = index + 1;
    const groups = event.event === "sealed" || (event.event === "config" && !event["secret"]);
    while (groups && events[end]?.event === event.event && !events[end]?.["secret"]) end += 1;
    const group = events.slice(index, end);
    const names = [...new Set(group.map((one) => text(one["key"] ?? one["operation"])))].join(", ");
    const merged = groups ? { ...event, key: names, operation: names } : event;
    const line = { at: event.atUs, ...lineOf(merged, t) };
    if (event.event === "sealed" && group.length > 1) line.fine = t.trace.repeated(group.length);
    all.push(line);
    index = end;
  }
  return all;
}

export function Trace({ events }: { events: TraceEvent[] }) {
  const t = useTexts();
  const format = useFormat();
  return (
    <ol className="trace">
      {lines(events, t).map((line, index) => (
        <li key={index} className={line.tone ?? ""}>
          <span className="trace-time">{format.micros(line.at)}</span>
          <line.icon size={16} aria-hidden="true" />
          <span className="trace-text">
            {line.text}
            {line.fine && <span className="fine"> {line.fine}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

export function Requests({ requests }: { requests: SentRequest[] }) {
  const t = useTexts();
  return (
    <>
      {requests.map((request, index) => {
        const headers = Array.isArray(request.headers) ? request.headers : Object.entries(request.headers);
        const head = headers.map(([name, value]) => `${name}: ${value}`).join("\n");
        return (
          <div key={index} className="request">
            <p className="request-line">
              <Badge>{request.method}</Badge> <code>{request.url}</code>
            </p>
            <pre tabIndex={0} aria-label={t.trial.headers}>{head}</pre>
            <pre tabIndex={0} aria-label={t.trial.body}>{request.body}</pre>
          </div>
        );
      })}
      {requests.length > 0 && <p className="fine">{t.trial.masked}</p>}
    </>
  );
}

/** How the provider answered, as far as it is text. */
export function Answers({ events }: { events: TraceEvent[] }) {
  const t = useTexts();
  const answers = events.filter((event) => event.event === "response" && text(event["body"]) !== "");
  if (answers.length === 0) return null;
  return (
    <details>
      <summary>{t.trial.response}</summary>
      {answers.map((event) => (
        <div key={event.atUs} className="request">
          <p className="request-line"><Badge>{text(event["status"])}</Badge> {t.trace.peer(text(event["peer"]))}</p>
          <pre tabIndex={0} aria-label={t.trial.body}>{text(event["body"])}</pre>
        </div>
      ))}
      <p className="fine">{t.trial.maskedAnswer}</p>
    </details>
  );
}

export function Used({ used }: { used: Members }) {
  const t = useTexts();
  const format = useFormat();
  const number = (name: string) => Number(used[name] ?? 0);
  return (
    <Facts
      facts={[
        [t.trial.duration, format.micros(number("timeUs"))],
        [t.trial.cpu, format.micros(number("cpuUs"))],
        [t.trial.memory, format.bytes(number("memoryBytes"))],
        [t.trial.hostCalls, format.number(number("hostCalls"))],
        [t.trial.requests, format.number(number("requests"))],
      ]}
    />
  );
}

export function FailureFacts({ failure }: { failure: Failure }) {
  const t = useTexts();
  return (
    <Facts
      facts={[
        [t.messages.failure, <><b>{t.failures[failure.class] ?? failure.class}</b>: {failure.text}</>],
        [t.trial.who, t.parties[failure.party] ?? failure.party],
        [t.trial.left, t.trial.leftIs[failure.requestSent] ?? failure.requestSent],
        [t.trial.providerCode, failure.providerCode && <code>{failure.providerCode}</code>],
        [t.trial.whatToDo, <b>{t.advice[failure.class] ?? failure.advice}</b>],
      ]}
    />
  );
}
