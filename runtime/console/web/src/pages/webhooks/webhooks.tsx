// The webhook endpoints of a tenant, and the events that are sent to them.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useParams } from "react-router";
import { apiPath, call, webhookEndpointPath } from "../../api/client";
import { client, eventsKey, useMayManage, webhookEndpointsQuery } from "../../api/queries";
import type { IssuedWebhookEndpoint, WebhookEndpoint } from "../../api/types";
import { Badge } from "../../components/badge";
import { Button, CopyButton } from "../../components/button";
import { PageHeader } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Empty, Notice } from "../../components/notice";
import { useFormat, useTexts } from "../../text";
import { DeleteDialog, EndpointDialog, RotateDialog } from "./dialogs";
import { EventsCard } from "./events";

const INTERVAL_MS = 5000;

/** What is being done to an endpoint. */
type Open = { action: "edit" | "rotate" | "delete"; endpoint: WebhookEndpoint } | { action: "create" };

export default function Webhooks() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  // An endpoint begins to fail, or is disabled, while the page is open.
  const endpoints = useQuery({ ...webhookEndpointsQuery(tenant), refetchInterval: ({ state }) => (state.error ? false : INTERVAL_MS) });
  const mayManage = useMayManage();
  const [open, setOpen] = useState<Open>();
  const [issued, setIssued] = useState<IssuedWebhookEndpoint>();
  const done = () => {
    setOpen(undefined);
    void client.invalidateQueries({ queryKey: webhookEndpointsQuery(tenant).queryKey });
  };
  const show = (endpoint: IssuedWebhookEndpoint) => {
    done();
    setIssued(endpoint);
  };
  const create = mayManage && (
    <Button variant="primary" icon={<Plus size={18} aria-hidden="true" />} onClick={() => setOpen({ action: "create" })}>{t.webhooks.create}</Button>
  );
  return (
    <>
      <PageHeader title={t.webhooks.title} lead={t.webhooks.lead} actions={endpoints.data?.length !== 0 && create} />
      {issued && (
        <Notice
          tone="good"
          title={t.webhooks.secretOf(issued.name)}
          announce
          actions={
            <>
              <CopyButton text={issued.secret} name={t.webhooks.secret} />
              <Button onClick={() => setIssued(undefined)}>{t.webhooks.hide}</Button>
            </>
          }
        >
          <p>{t.webhooks.secretHelp}</p>
          <p><code className="secret" aria-label={t.webhooks.secret}>{issued.secret}</code></p>
        </Notice>
      )}
      <Loaded query={endpoints}>
        {(all) =>
          all.length === 0 ? (
            <Empty title={t.webhooks.empty} actions={create}>
              {t.webhooks.emptyHelp} {!mayManage && t.webhooks.manageOnly}
            </Empty>
          ) : (
            <ul className="rows card">
              {all.map((one) => (
                <Row key={one.id} tenant={tenant} endpoint={one} mayManage={mayManage} onOpen={setOpen} onIssued={show} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {endpoints.data && endpoints.data.length > 0 && <EventsCard tenant={tenant} endpoints={endpoints.data} mayManage={mayManage} />}
      {open?.action === "create" && <EndpointDialog tenant={tenant} onClose={() => setOpen(undefined)} onCreated={show} onChanged={done} />}
      {open?.action === "edit" && (
        <EndpointDialog tenant={tenant} endpoint={open.endpoint} onClose={() => setOpen(undefined)} onCreated={show} onChanged={done} />
      )}
      {open?.action === "rotate" && <RotateDialog tenant={tenant} endpoint={open.endpoint} onClose={() => setOpen(undefined)} onRotated={show} />}
      {open?.action === "delete" && <DeleteDialog tenant={tenant} endpoint={open.endpoint} onClose={() => setOpen(undefined)} onDeleted={done} />}
    </>
  );
}

interface RowProps {
  tenant: string;
  endpoint: WebhookEndpoint;
  mayManage: boolean;
  onOpen: (open: Open) => void;
  onIssued: (issued: IssuedWebhookEndpoint) => void;
}

function Row({ tenant, endpoint, mayManage, onOpen, onIssued }: RowProps) {
  const t = useTexts();
  const format = useFormat();
  const path = apiPath(tenant, webhookEndpointPath(endpoint.id));
  const refresh = () => void client.invalidateQueries({ queryKey: webhookEndpointsQuery(tenant).queryKey });
  const toggle = useMutation({
    mutationFn: () => call(path, { method: "PATCH", body: { enabled: !endpoint.enabled } }),
    onSettled: refresh,
  });
  const reveal = useMutation({ mutationFn: () => call<IssuedWebhookEndpoint>(`${path}/secret`), onSuccess: onIssued });
  const test = useMutation({
    mutationFn: () => call(`${path}/test`, { method: "POST", body: {} }),
    onSettled: () => client.invalidateQueries({ queryKey: eventsKey(tenant) }),
  });
  const error = toggle.error ?? reveal.error ?? test.error;
  const named = (action: string) => `${action}: ${endpoint.name}`;
  return (
    <li className="row-item">
      <div className="grow">
        <p className="row-title">
          {endpoint.name}
          <Badge tone={endpoint.enabled ? "good" : "warn"}>
            {endpoint.disabledReason ? t.webhooks.disabled[endpoint.disabledReason] : t.webhooks.enabled}
          </Badge>
          {endpoint.enabled && endpoint.failingSince && <Badge tone="bad">{t.webhooks.failingSince(format.dateTime(endpoint.failingSince))}</Badge>}
        </p>
        <p className="help">{endpoint.url ?? t.webhooks.storedOnly}</p>
        <p className="help">
          {endpoint.events.map((event) => t.eventTypes[event]).join(", ")}
          {endpoint.previousSecretExpiresAt && ` · ${t.webhooks.previousUntil(format.dateTime(endpoint.previousSecretExpiresAt))}`}
          {endpoint.droppedEvents > 0 && ` · ${t.webhooks.dropped(endpoint.droppedEvents)}`}
        </p>
        {error && <ErrorNotice error={error} />}
      </div>
      {mayManage && (
        <div className="row">
          {endpoint.enabled && (
            <Button aria-label={named(t.webhooks.test)} busy={test.isPending} onClick={() => test.mutate()}>{t.webhooks.test}</Button>
          )}
          <Button aria-label={named(t.webhooks.edit)} onClick={() => onOpen({ action: "edit", endpoint })}>{t.webhooks.edit}</Button>
          <Button aria-label={named(t.webhooks.showSecret)} busy={reveal.isPending} onClick={() => reveal.mutate()}>{t.webhooks.showSecret}</Button>
          <Button aria-label={named(t.webhooks.rotate)} onClick={() => onOpen({ action: "rotate", endpoint })}>{t.webhooks.rotate}</Button>
          <Button aria-label={named(endpoint.enabled ? t.webhooks.disable : t.webhooks.enable)} busy={toggle.isPending} onClick={() => toggle.mutate()}>
            {endpoint.enabled ? t.webhooks.disable : t.webhooks.enable}
          </Button>
          <Button variant="quiet" aria-label={named(t.common.delete)} onClick={() => onOpen({ action: "delete", endpoint })}>{t.common.delete}</Button>
        </div>
      )}
    </li>
  );
}
