// Creating, changing, rotating and deleting a webhook endpoint.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { apiPath, call, webhookEndpointPath } from "../../api/client";
import { eventTypeValues, type EventType, type IssuedWebhookEndpoint, type WebhookEndpoint } from "../../api/types";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { ErrorNotice } from "../../components/loaded";
import { useTexts } from "../../text";
import { useFieldMessages } from "../../text/server-messages";

/** The events that an endpoint can choose. A test is sent when somebody asks for it. */
const CHOICES = eventTypeValues.filter((event) => event !== "webhook-endpoint.tested");

interface EndpointProps {
  tenant: string;
  /** Absent for a new one. */
  endpoint?: WebhookEndpoint;
  onClose: () => void;
  onCreated: (issued: IssuedWebhookEndpoint) => void;
  onChanged: () => void;
}

export function EndpointDialog({ tenant, endpoint, onClose, onCreated, onChanged }: EndpointProps) {
  const t = useTexts();
  const [name, setName] = useState(endpoint?.name ?? "");
  const [url, setUrl] = useState(endpoint?.url ?? "");
  const [events, setEvents] = useState<EventType[]>(endpoint?.events ?? []);
  const save = useMutation({
    mutationFn: async () => {
      // A URL can be replaced, and not taken away.
      const body = { name, events, ...(url.trim() && { url: url.trim() }) };
      if (endpoint) await call(apiPath(tenant, webhookEndpointPath(endpoint.id)), { method: "PATCH", body });
      else return call<IssuedWebhookEndpoint>(apiPath(tenant, "webhook-endpoints"), { method: "POST", body });
    },
    onSuccess: (issued) => (issued ? onCreated(issued) : onChanged()),
  });
  const fields = useFieldMessages()(save.error);
  const error = (field: string) => fields.find((one) => one.field.replace("/", "") === field)?.message;
  return (
    <Dialog
      title={endpoint ? t.webhooks.editTitle(endpoint.name) : t.webhooks.create}
      onClose={onClose}
      actions={
        <Button variant="primary" busy={save.isPending} disabled={!name.trim() || events.length === 0} onClick={() => save.mutate()}>
          {endpoint ? t.common.save : t.webhooks.create}
        </Button>
      }
    >
      <Field label={t.webhooks.name} error={error("name")}>
        {(ids) => <input {...ids} value={name} maxLength={80} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label={endpoint?.url ? t.webhooks.url : `${t.webhooks.url} (${t.common.optional})`} help={t.webhooks.urlHelp} error={error("url")}>
        {(ids) => (
          <input
            {...ids}
            type="url"
            value={url}
            maxLength={2000}
            placeholder="https://example.com/webhooks/sendbox"
            spellCheck={false}
            onChange={(event) => setUrl(event.target.value)}
          />
        )}
      </Field>
      <fieldset className="choices">
        <legend>{t.webhooks.events}</legend>
        {CHOICES.map((one) => (
          <label key={one} className="choice">
            <input
              type="checkbox"
              checked={events.includes(one)}
              onChange={(event) => setEvents(event.target.checked ? [...events, one] : events.filter((other) => other !== one))}
            />
            <span>{t.eventTypes[one]}</span>
          </label>
        ))}
      </fieldset>
      {save.isError && fields.length === 0 && <ErrorNotice error={save.error} />}
    </Dialog>
  );
}

interface RotateProps {
  tenant: string;
  endpoint: WebhookEndpoint;
  onClose: () => void;
  onRotated: (issued: IssuedWebhookEndpoint) => void;
}

export function RotateDialog({ tenant, endpoint, onClose, onRotated }: RotateProps) {
  const t = useTexts();
  const rotate = useMutation({
    mutationFn: () => call<IssuedWebhookEndpoint>(apiPath(tenant, webhookEndpointPath(endpoint.id, "rotate")), { method: "POST", body: {} }),
    onSuccess: onRotated,
  });
  return (
    <Dialog
      title={t.webhooks.rotateTitle(endpoint.name)}
      onClose={onClose}
      actions={<Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>{t.webhooks.rotate}</Button>}
    >
      <p>{t.webhooks.rotateHelp}</p>
      {rotate.isError && <ErrorNotice error={rotate.error} />}
    </Dialog>
  );
}

interface DeleteProps {
  tenant: string;
  endpoint: WebhookEndpoint;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ tenant, endpoint, onClose, onDeleted }: DeleteProps) {
  const t = useTexts();
  const remove = useMutation({
    mutationFn: () => call(apiPath(tenant, webhookEndpointPath(endpoint.id)), { method: "DELETE" }),
    onSuccess: onDeleted,
  });
  return (
    <Dialog
      title={t.webhooks.deleteTitle(endpoint.name)}
      onClose={onClose}
      actions={<Button variant="danger" busy={remove.isPending} onClick={() => remove.mutate()}>{t.common.delete}</Button>}
    >
      <p>{t.webhooks.deleteHelp}</p>
      {remove.isError && <ErrorNotice error={remove.error} />}
    </Dialog>
  );
}
