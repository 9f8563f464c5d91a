// The trace of a send: its steps, the requests (masked), the responses, and the resources it used.

import {
  ArrowDownLeft, ArrowUpRight, Ban, CircleSlash, Cpu, Eye, FileText, Flag, KeyRound, Lock, Settings2, type LucideIcon,
} from "lucide-react";
import type { Failure, JsonObject, SentRequest, TraceEvent } from "../api/types";
import { Badge } from "./badge";
import { Facts } from "./layout";
import { type Texts, useFormat, useTexts } from "../text";

type TraceLine = { at: number; icon: LucideIcon; text: string; fine?: string; tone?: "bad" | "warn" };

const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));

function describeEvent(event: TraceEvent, t: Texts): Omit<TraceLine, "at"> {
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

/** Merges consecutive reads of settings, and repeated operations, into one line each. */
function lines(events: TraceEvent[], t: Texts): TraceLine[] {
  const all: TraceLine[] = [];
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
  const answers = events.filter((event) => event.event === "response" && text(event["body"]) !== "");
  if (answers.length === 0) return null;
  return (
    <details>
      <summary>{t.testResult.response}</summary>
      {answers.map((event) => (
        <div key={event.atUs} className="request">
          <p className="request-line"><Badge>{text(event["status"])}</Badge> {t.trace.peer(text(event["peer"]))}</p>
          <pre tabIndex={0} aria-label={t.testResult.body}>{text(event["body"])}</pre>
        </div>
      ))}
      <p className="fine">{t.testResult.maskedAnswer}</p>
    </details>
  );
}

export function ResourceUse({ used }: { used: JsonObject }) {
  const t = useTexts();
  const format = useFormat();
  const number = (name: string) => Number(used[name] ?? 0);
  return (
    <Facts
      facts={[
        [t.testResult.duration, format.micros(number("timeUs"))],
        [t.testResult.cpu, format.micros(number("cpuUs"))],
        [t.testResult.memory, format.bytes(number("memoryBytes"))],
        [t.testResult.hostCalls, format.number(number("hostCalls"))],
        [t.testResult.requests, format.number(number("requests"))],
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
        [t.testResult.party, t.parties[failure.party] ?? failure.party],
        [t.testResult.requestSent, t.testResult.requestSentIs[failure.requestSent] ?? failure.requestSent],
        [t.testResult.providerCode, failure.providerCode && <code>{failure.providerCode}</code>],
        [t.testResult.whatToDo, <b>{t.advice[failure.class] ?? failure.advice}</b>],
      ]}
    />
  );
}
