// The events of a tenant, with what became of each at each endpoint. The page looks for news while it is visible.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { apiPath, call } from "../../api/client";
import { client, eventsKey } from "../../api/queries";
import { eventTypeValues, type Event, type EventDelivery, type EventType, type Page, type WebhookEndpoint } from "../../api/types";
import { Badge, type Tone } from "../../components/badge";
import { Button } from "../../components/button";
import { Field } from "../../components/field";
import { Card } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { useFormat, useTexts } from "../../text";

const INTERVAL_MS = 3000;

const tones: Record<EventDelivery["status"], Tone> = { pending: "info", delivered: "good", failed: "bad", cancelled: "neutral" };

interface EventsProps {
  tenant: string;
  endpoints: WebhookEndpoint[];
  mayManage: boolean;
}

export function EventsCard({ tenant, endpoints, mayManage }: EventsProps) {
  const t = useTexts();
  const [type, setType] = useState<EventType | "">("");
  const query = type ? `?type=${type}` : "";
  const events = useQuery({
    queryKey: [...eventsKey(tenant), type],
    queryFn: ({ signal }) => call<Page<Event>>(`${apiPath(tenant, "events")}${query}`, { signal }),
    refetchInterval: ({ state }) => (state.error ? false : INTERVAL_MS),
  });
  const resend = useMutation({
    mutationFn: (id: string) => call<Event>(apiPath(tenant, `events/${encodeURIComponent(id)}/resend`), { method: "POST", body: {} }),
    onSettled: () => client.invalidateQueries({ queryKey: eventsKey(tenant) }),
  });
  return (
    <Card title={t.webhooks.log} help={t.webhooks.logHelp}>
      <Field label={t.webhooks.filter}>
        {(ids) => (
          <select {...ids} value={type} onChange={(event) => setType(event.target.value as EventType | "")}>
            <option value="">{t.webhooks.allEvents}</option>
            {eventTypeValues.map((one) => <option key={one} value={one}>{t.eventTypes[one]}</option>)}
          </select>
        )}
      </Field>
      {resend.isError && <ErrorNotice error={resend.error} />}
      <Loaded query={events}>
        {({ items }) =>
          items.length === 0 ? (
            <p className="fine">{t.webhooks.noEvents}</p>
          ) : (
            <Table events={items} endpoints={endpoints} onResend={mayManage ? (id) => resend.mutate(id) : undefined} isSending={resend.isPending} />
          )
        }
      </Loaded>
    </Card>
  );
}

interface TableProps {
  events: Event[];
  endpoints: WebhookEndpoint[];
  onResend?: (id: string) => void;
  isSending: boolean;
}

function Table({ events, endpoints, onResend, isSending }: TableProps) {
  const t = useTexts();
  const format = useFormat();
  return (
    <div className="scrolled" tabIndex={0} role="group" aria-label={t.webhooks.log}>
      <table className="table stacking">
        <thead>
          <tr>
            <th scope="col">{t.webhooks.time}</th>
            <th scope="col">{t.webhooks.event}</th>
            <th scope="col">{t.webhooks.deliveries}</th>
            <th scope="col"><span className="visually-hidden">{t.webhooks.resend}</span></th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td className="nowrap" data-label={t.webhooks.time}><time dateTime={event.timestamp}>{format.dateTime(event.timestamp)}</time></td>
              <td data-label={t.webhooks.event}>{t.eventTypes[event.type]}<div className="fine"><code>{event.id}</code></div></td>
              <td data-label={t.webhooks.deliveries}>
                {event.deliveries.length === 0
                  ? t.webhooks.storedOnly
                  : event.deliveries.map((one) => <Delivery key={one.endpoint} delivery={one} endpoint={endpoints.find(({ id }) => id === one.endpoint)} />)}
              </td>
              <td>
                {onResend && event.deliveries.length > 0 && (
                  <Button disabled={isSending} aria-label={`${t.webhooks.resend}: ${event.id}`} onClick={() => onResend(event.id)}>{t.webhooks.resend}</Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Delivery({ delivery, endpoint }: { delivery: EventDelivery; endpoint: WebhookEndpoint | undefined }) {
  const t = useTexts();
  const format = useFormat();
  const last = delivery.attempts.at(-1);
  // Why there was no response is the server's own sentence.
  const response = last && (last.status == null ? <span lang="en">{last.error}</span> : t.webhooks.status(last.status));
  return (
    <div>
      {endpoint?.name ?? delivery.endpoint} <Badge tone={tones[delivery.status]}>{t.webhooks.deliveryStatus[delivery.status]}</Badge>
      <div className="fine">
        {t.webhooks.attempts(delivery.attempts.length)}
        {response && <> · {response}</>}
        {delivery.nextAttemptAt && delivery.attempts.length > 0 && ` · ${t.webhooks.nextAttempt(format.dateTime(delivery.nextAttemptAt))}`}
      </div>
    </div>
  );
}
