// The messages of a tenant: a filtered list that updates live.

import { useEffect, useState } from "react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Radio } from "lucide-react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { messagesPage, type MessageFilters } from "../api/message-list";
import { connectionsQuery } from "../api/queries";
import { deliveryStateValues, messageStatusValues, usageValues } from "../api/types";
import { Badge, DeliveryBadge, StatusBadge } from "../components/badge";
import { Button } from "../components/button";
import { useCountries } from "../components/countries";
import { Field } from "../components/field";
import { PageHeader } from "../components/layout";
import { PagedList } from "../components/loaded";
import { Empty } from "../components/notice";
import { Time } from "../components/time";
import { useFormat, useTexts } from "../text";
import { ExportMessages } from "./messages-export";

/** The number without the separators that people type; `undefined` if it is not a whole one. */
function wholeNumber(typed: string): string | undefined {
  const digits = typed.replace(/[\s()-]/g, "");
  return /^\+[1-9][0-9]{6,14}$/.test(digits) ? digits : undefined;
}

const FILTERS = ["status", "delivery", "usage", "country", "connection", "reference", "since", "until"] as const;

/** The id of a message, as the server makes it. */
const MESSAGE_ID = /^m[0-9a-z]{20}$/;

/** A time as an input has it, in the time zone of the browser. */
function localTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function isoTime(local: string): string {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}

export default function Messages() {
  const t = useTexts();
  const format = useFormat();
  const { tenant = "" } = useParams();
  const navigate = useNavigate();
  const [search, setSearch] = useSearchParams();
  const [live, setLive] = useState(true);
  // Not in the query string: browsers store addresses, and a phone number must not be stored.
  const [to, setTo] = useState("");
  const [typed, setTyped] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setTo(wholeNumber(typed) ?? ""), 400);
    return () => clearTimeout(timer);
  }, [typed]);
  const connections = useQuery(connectionsQuery(tenant));
  const countries = useCountries();
  const filter: MessageFilters = { ...Object.fromEntries(FILTERS.map((name) => [name, search.get(name) ?? ""])), to };
  const reference = filter["reference"] ?? "";
  const set = (name: string, value: string) => {
    // The address as it is now: on a slow machine the page may still show the filters of before.
    const next = new URLSearchParams(window.location.search);
    if (value) next.set(name, value);
    else next.delete(name);
    setSearch(next, { replace: true });
  };
  const query = useInfiniteQuery({
    queryKey: ["tenant", tenant, "messages", filter],
    queryFn: ({ signal, pageParam }) => messagesPage(tenant, filter, pageParam, 50, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: (state) => (live && (state.state.data?.pages.length ?? 0) <= 1 && !state.state.error ? 2000 : false),
  });
  const filtered = Object.values(filter).some(Boolean);
  return (
    <>
      <PageHeader
        title={t.messages.title}
        lead={t.messages.lead}
        actions={
          <label className="live" title={t.messages.liveHelp}>
            <input type="checkbox" role="switch" className="switch" checked={live} onChange={(event) => setLive(event.target.checked)} />
            <Radio size={16} aria-hidden="true" /> {t.messages.live}
          </label>
        }
      />
      <div className="filters" role="group" aria-label={t.messages.filters}>
        <Field label={t.messages.status}>
          {(ids) => (
            <select {...ids} value={filter["status"]} onChange={(event) => set("status", event.target.value)}>
              <option value="">{t.messages.anyStatus}</option>
              {messageStatusValues.map((one) => <option key={one} value={one}>{t.status[one]}</option>)}
            </select>
          )}
        </Field>
        <Field label={t.messages.delivery}>
          {(ids) => (
            <select {...ids} value={filter["delivery"]} onChange={(event) => set("delivery", event.target.value)}>
              <option value="">{t.messages.anyDelivery}</option>
              {deliveryStateValues.map((one) => <option key={one} value={one}>{t.deliveries[one]}</option>)}
            </select>
          )}
        </Field>
        <Field label={t.messages.usage}>
          {(ids) => (
            <select {...ids} value={filter["usage"]} onChange={(event) => set("usage", event.target.value)}>
              <option value="">{t.messages.anyUsage}</option>
              {usageValues.map((one) => <option key={one} value={one}>{t.usages[one]}</option>)}
            </select>
          )}
        </Field>
        <Field label={t.messages.connection}>
          {(ids) => (
            <select {...ids} value={filter["connection"]} onChange={(event) => set("connection", event.target.value)}>
              <option value="">{t.messages.anyConnection}</option>
              {connections.data?.map((one) => <option key={one.name} value={one.name}>{one.name}</option>)}
            </select>
          )}
        </Field>
        <Field label={t.messages.country}>
          {(ids) => (
            <select {...ids} value={filter["country"]} onChange={(event) => set("country", event.target.value)}>
              <option value="">{t.messages.anyCountry}</option>
              {countries.map(({ code, name }) => <option key={code} value={code}>{name}</option>)}
            </select>
          )}
        </Field>
        <Field label={t.messages.to} error={typed.trim() && !wholeNumber(typed) ? t.messages.toPartial : undefined}>
          {(ids) => (
            <input {...ids} type="tel" value={typed} placeholder={t.messages.toHelp} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />
          )}
        </Field>
        <Field label={t.messages.reference} help={MESSAGE_ID.test(reference) && <Link to={`/t/${tenant}/messages/${reference}`}>{t.messages.openMessage}</Link>}>
          {(ids) => (
            <input
              {...ids}
              type="search"
              value={reference}
              maxLength={128}
              autoComplete="off"
              onChange={(event) => set("reference", event.target.value)}
              onKeyDown={(event) => {
                const id = event.currentTarget.value.trim();
                if (event.key === "Enter" && MESSAGE_ID.test(id)) void navigate(`/t/${tenant}/messages/${id}`);
              }}
            />
          )}
        </Field>
        {(["since", "until"] as const).map((name) => (
          <Field key={name} label={t.messages[name]}>
            {(ids) => (
              <input {...ids} type="datetime-local" value={localTime(filter[name] ?? "")} onChange={(event) => set(name, isoTime(event.target.value))} />
            )}
          </Field>
        ))}
        {(filtered || typed) && (
          <Button
            variant="quiet"
            onClick={() => {
              setTyped("");
              setTo("");
              setSearch({}, { replace: true });
            }}
          >
            {t.messages.reset}
          </Button>
        )}
      </div>
      <ExportMessages tenant={tenant} filters={filter} />
      <PagedList query={query} empty={<Empty title={filtered ? t.messages.empty : t.messages.emptyAll} />}>
        {(messages) => (
          <div className="scrolled card flush" tabIndex={0} role="group" aria-label={t.messages.title}>
            <table className="table stacking">
              <thead>
                <tr>
                  <th scope="col">{t.messages.time}</th>
                  <th scope="col">{t.messages.recipient}</th>
                  <th scope="col">{t.messages.usage}</th>
                  <th scope="col">{t.messages.status}</th>
                  <th scope="col">{t.messages.connection}</th>
                  <th scope="col" className="number">{t.messages.attempts}</th>
                  <th scope="col" className="number">{t.messages.segments}</th>
                </tr>
              </thead>
              <tbody>
                {messages.map((message) => (
                  <tr key={message.id}>
                    <td data-label={t.messages.time}>
                      <Link to={`/t/${tenant}/messages/${message.id}`}>
                        <Time value={message.createdAt} />
                      </Link>
                    </td>
                    <td data-label={t.messages.recipient}>
                      <span>
                        <span className="nowrap">{message.to}</span>{" "}
                        {message.country && <span className="fine">{format.country(message.country)}</span>}{" "}
                        {message.test && <Badge>{t.messages.test}</Badge>}
                      </span>
                    </td>
                    <td data-label={t.messages.usage}>{t.usages[message.usage]}</td>
                    <td data-label={t.messages.status}>
                      <span>
                        <StatusBadge status={message.status} />{" "}
                        {message.delivery && <DeliveryBadge state={message.delivery.state} />}
                        {message.failure && (
                          <span className="fine block">{t.failures[message.failure.class]}</span>
                        )}
                      </span>
                    </td>
                    <td data-label={t.messages.connection}>{message.attempts.at(-1)?.connection ?? "—"}</td>
                    <td className="number" data-label={t.messages.attempts}>{message.attempts.length}</td>
                    <td className="number" data-label={t.messages.segments}>{message.segments ?? "—"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </PagedList>
    </>
  );
}
