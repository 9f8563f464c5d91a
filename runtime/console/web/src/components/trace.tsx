// The trace of a send: its steps, the requests (masked), the responses, and the resources it used.

import {
  ArrowDownLeft, ArrowUpRight, Ban, CircleSlash, Cpu, Eye, FileText, Flag, KeyRound, Lock, Settings2, type LucideIcon,
} from "lucide-react";
import type { Failure, FailureClass, ResourceUsage, SentRequest, TraceEvent } from "../api/types";
import { Badge } from "./badge";
import { Facts } from "./layout";
import { EnglishText } from "./server-text";
import { type Texts, useFormat, useTexts } from "../text";

interface TraceLine {
  at: number;
  icon: LucideIcon;
  text: string;
  /** Why, in the server's words, which are English. */
  reason?: string;
  /** What the connector wrote, in whatever language. */
  quote?: string;
  fine?: string;
  tone?: "bad" | "warn";
}

/** Translates the first word of each item in a list, like `concat, encode` or `[secret authToken]`. */
const translated = (list: string, names: Record<string, string>): string =>
  list.replace(/^\[|\]$/g, "").split(", ").map((item) => item.replace(/^\S+/, (name) => names[name] ?? name)).join(", ");

function describeEvent(event: TraceEvent, t: Texts): Omit<TraceLine, "at"> {
  switch (event.event) {
    case "instantiated":
      return { icon: Cpu, text: t.trace.instantiated };
    case "config":
      return event.secret
        ? { icon: KeyRound, text: t.trace.secret(event.key) }
        : { icon: Settings2, text: t.trace.config(event.key) };
    case "sealed":
      return { icon: Lock, text: t.trace.sealed(translated(event.operation, t.trace.operations)) };
    case "revealed":
      return { icon: Eye, text: t.trace.revealed(translated(event.labels, t.trace.labels)), tone: "warn" };
    case "request":
      return {
        icon: ArrowUpRight,
        text: t.trace.request(event.method, event.url),
        fine: event.carriesMessage ? t.trace.carries : "",
      };
    case "refused":
      return { icon: Ban, text: t.trace.refused, reason: event.reason, tone: "bad" };
    case "response":
      return {
        icon: ArrowDownLeft,
        text: t.trace.response(event.status),
        fine: `${t.trace.peer(event.peer)}, ${t.trace.bytes(event.bodyBytes)}`,
        tone: event.status >= 400 ? "bad" : undefined,
      };
    case "no-response":
      return { icon: CircleSlash, text: t.trace.noResponse, reason: event.reason, tone: "bad" };
    case "log":
      return { icon: FileText, text: t.trace.log(event.level), quote: event.message };
    case "log-truncated":
      return { icon: FileText, text: t.trace.logTruncated };
    case "returned":
      return {
        icon: Flag,
        text: t.trace.returned(t.trace.results[event.result] ?? t.failures[event.result as FailureClass] ?? event.result),
        tone: event.result === "receipt" ? undefined : "bad",
      };
  }
}

/** The name of what an event did, if it can share a line with others of its kind. */
function mergeableName(event: TraceEvent | undefined): string | undefined {
  if (event?.event === "sealed") return event.operation;
  return event?.event === "config" && !event.secret ? event.key : undefined;
}

/** Merges consecutive reads of settings, and repeated operations, into one line each. */
function lines(events: TraceEvent[], t: Texts): TraceLine[] {
  const all: TraceLine[] = [];
  let index = 0;
  while (index < events.length) {
    const event = events[index];
    if (!event) break;
    let end = index + 1;
    const groups = mergeableName(event) !== undefined;
    while (groups && events[end]?.event === event.event && mergeableName(events[end]) !== undefined) end += 1;
    const group = events.slice(index, end);
    const names = [...new Set(group.map(mergeableName))].join(", ");
    const merged = event.event === "sealed" ? { ...event, operation: names } : groups && event.event === "config" ? { ...event, key: names } : event;
    const line = { at: event.atUs, ...describeEvent(merged, t) };
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
            {line.reason && <> <span lang="en">{line.reason}</span></>}
            {line.quote && <> <q>{line.quote}</q></>}
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
        const head = request.headers.map(({ name, value }) => `${name}: ${value}`).join("\n");
        return (
          <div key={index} className="request">
            <p className="request-line">
              <Badge>{request.method}</Badge> <code>{request.url}</code>
            </p>
            <pre tabIndex={0} aria-label={t.testResult.headers}>{head}</pre>
            <pre tabIndex={0} aria-label={t.testResult.body}>{request.body}</pre>
          </div>
        );
      })}
      {requests.length > 0 && <p className="fine">{t.testResult.masked}</p>}
    </>
  );
}

/** The provider's responses that have a text body. */
export function Responses({ events }: { events: TraceEvent[] }) {
  const t = useTexts();
  const answers = events.filter((event) => event.event === "response").filter((event) => event.body !== "");
  if (answers.length === 0) return null;
  return (
    <details>
      <summary>{t.testResult.response}</summary>
      {answers.map((event) => (
        <div key={event.atUs} className="request">
          <p className="request-line"><Badge>{event.status}</Badge> {t.trace.peer(event.peer)}</p>
          <pre tabIndex={0} aria-label={t.testResult.body}>{event.body}</pre>
        </div>
      ))}
      <p className="fine">{t.testResult.maskedAnswer}</p>
    </details>
  );
}

export function ResourceUse({ usage }: { usage: ResourceUsage }) {
  const t = useTexts();
  const format = useFormat();
  return (
    <Facts
      facts={[
        [t.testResult.duration, format.micros(usage.timeUs)],
        [t.testResult.cpu, format.micros(usage.cpuUs)],
        [t.testResult.memory, format.bytes(usage.memoryBytes)],
        [t.testResult.hostCalls, format.number(usage.hostCalls)],
        [t.testResult.requests, format.number(usage.requests)],
      ]}
    />
  );
}

export function FailureFacts({ failure }: { failure: Failure }) {
  const t = useTexts();
  return (
    <Facts
      facts={[
        [t.messages.failure, <><b>{t.failures[failure.class]}</b>: {t.failureHelp[failure.class]}</>],
        failure.party === "provider"
          ? [t.testResult.answer, <q>{failure.message}</q>]
          : [t.testResult.details, <EnglishText text={failure.message} />],
        [t.testResult.party, t.parties[failure.party]],
        [t.testResult.requestSent, t.testResult.requestSentIs[failure.requestSent]],
        [t.testResult.providerCode, failure.providerCode && <code>{failure.providerCode}</code>],
        [t.testResult.whatToDo, <b>{t.advice[failure.class]}</b>],
      ]}
    />
  );
}
