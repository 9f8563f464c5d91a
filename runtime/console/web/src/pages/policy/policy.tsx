// The policy of a tenant: codes, limits, countries, delivery, spending. One form; held numbers and test numbers are saved apart.

import { useEffect, useMemo, useRef, useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Save } from "lucide-react";
import { useParams } from "react-router";
import { apiPath, call, revisionOf } from "../../api/client";
import { client, policyQuery } from "../../api/queries";
import type { Policy } from "../../api/types";
import { Button } from "../../components/button";
import { Field } from "../../components/field";
import { Card, PageHeader } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { useUnsavedChanges } from "../../components/unsaved-changes";
import { useTexts } from "../../text";
import { useFieldMessages } from "../../text/server-messages";
import { CountriesCard } from "./countries";
import { DeliveryCard } from "./delivery";
import { HeldNumbers } from "./held-numbers";
import { NoticesCard } from "./notices";
import { IntegerField } from "./number-fields";
import { NumbersCard } from "./numbers";
import { SpendingCard } from "./spending";
import { TestNumbers } from "./test-numbers";

export default function PolicyPage() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const policy = useQuery({ ...policyQuery(tenant), refetchOnWindowFocus: false });
  return (
    <>
      <PageHeader title={t.policy.title} lead={t.policy.lead} />
      <Loaded query={policy}>{(saved) => <Editor key={tenant} tenant={tenant} saved={saved} />}</Loaded>
      <HeldNumbers tenant={tenant} />
      <TestNumbers tenant={tenant} />
    </>
  );
}

function Editor({ tenant, saved }: { tenant: string; saved: Policy }) {
  const t = useTexts();
  const [policy, setPolicy] = useState(saved);
  const [revision, setRevision] = useState(() => revisionOf(saved));
  const dirty = useMemo(() => JSON.stringify(policy) !== JSON.stringify(saved), [policy, saved]);
  const unsaved = useUnsavedChanges(dirty);
  const save = useMutation({
    mutationFn: () => call<Policy>(apiPath(tenant, "policy"), { method: "PUT", body: policy, ifMatch: revision }),
    onSuccess: (next) => {
      setPolicy(next);
      setRevision(revisionOf(next));
      client.setQueryData(policyQuery(tenant).queryKey, next);
    },
  });
  const fields = useFieldMessages()(save.error);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (save.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true], .refused")?.focus();
  }, [save.error]);
  const error = (field: string) => fields.filter((one) => one.field === field).map((one) => one.message).join(" ") || undefined;
  const limitNames = Object.keys(t.policy.limit) as (keyof Policy["limits"])[];
  const named = new Set([
    "/codes/digits", "/codes/lifetimeSeconds", "/codes/maxTries", "/codes/maxSends", "/originDomain", "/delivery/maxMessages",
    "/notices/numberPerDay", "/notices/tenantPerDay",
    "/spend/currency", "/spend/capPerMonthMicros", "/spend/pricePerSegmentMicros",
    ...limitNames.map((name) => `/limits/${name}`),
  ]);
  const isOfNotice = (field: string) => /^\/notices\/templates\/[0-9]+(\/(locale|content))?$/.test(field);
  const isOfCountry = (field: string) => /^\/(spend\/prices|delivery\/routes)\/[A-Z]{2}$/.test(field);
  const others = fields.filter((one) => !named.has(one.field) && !isOfCountry(one.field) && !isOfNotice(one.field));
  const codes = (part: Partial<Policy["codes"]>) => setPolicy({ ...policy, codes: { ...policy.codes, ...part } });
  return (
    <form
      ref={form}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <div className="two-columns">
        <Card title={t.policy.codes} help={t.policy.codesHelp}>
          <div className="fields pairs">
            <IntegerField label={t.policy.digits} help={t.policy.digitsHelp} value={policy.codes.digits} error={error("/codes/digits")} onChange={(digits) => codes({ digits })} />
            <IntegerField label={t.policy.lifetime} help={t.policy.lifetimeHelp} value={policy.codes.lifetimeSeconds} error={error("/codes/lifetimeSeconds")} onChange={(lifetimeSeconds) => codes({ lifetimeSeconds })} />
            <IntegerField label={t.policy.maxTries} help={t.policy.maxTriesHelp} value={policy.codes.maxTries} error={error("/codes/maxTries")} onChange={(maxTries) => codes({ maxTries })} />
            <IntegerField label={t.policy.maxSends} help={t.policy.maxSendsHelp} value={policy.codes.maxSends} error={error("/codes/maxSends")} onChange={(maxSends) => codes({ maxSends })} />
          </div>
          <Field label={`${t.policy.origin} (${t.common.optional})`} help={t.policy.originHelp} error={error("/originDomain")}>
            {(ids) => (
              <input
                {...ids}
                value={policy.originDomain ?? ""}
                placeholder="example.com"
                onChange={(event) => setPolicy({ ...policy, originDomain: event.target.value || null })}
              />
            )}
          </Field>
        </Card>
        <Card title={t.policy.limits} help={t.policy.limitsHelp}>
          <div className="fields pairs">
            {limitNames.map((name) => (
              <IntegerField
                key={name}
                label={t.policy.limit[name]}
                value={policy.limits[name]}
                error={error(`/limits/${name}`)}
                onChange={(value) => setPolicy({ ...policy, limits: { ...policy.limits, [name]: value } })}
              />
            ))}
          </div>
        </Card>
      </div>
      <NoticesCard value={policy.notices} onChange={(notices) => setPolicy({ ...policy, notices })} error={error} />
      <CountriesCard value={policy.countries} onChange={(countries) => setPolicy({ ...policy, countries })} />
      <NumbersCard value={policy.numbers} onChange={(numbers) => setPolicy({ ...policy, numbers })} />
      <div className="two-columns">
        <DeliveryCard tenant={tenant} policy={policy} onChange={setPolicy} error={error} />
        <SpendingCard policy={policy} onChange={setPolicy} error={error} />
      </div>
      {save.isError && (fields.length === 0 || others.length > 0) && (
        <div className="refused" tabIndex={-1}>
          <ErrorNotice error={save.error} />
        </div>
      )}
      <div className={dirty ? "save-bar" : "save-bar resting"} role="group" aria-label={t.common.save}>
        <p className={fields.length > 0 ? "error grow" : "fine grow"} role="status">
          {fields.length > 0 ? `${t.connection.problems}: ${t.connection.errors(fields.length)}` : dirty ? t.common.unsaved : save.isSuccess ? t.policy.saved : ""}
        </p>
        <Button
          variant="quiet"
          disabled={!dirty}
          onClick={() => {
            setPolicy(saved);
            save.reset();
          }}
        >
          {t.common.discard}
        </Button>
        <Button type="submit" variant="primary" disabled={!dirty} busy={save.isPending} icon={<Save size={16} aria-hidden="true" />}>
          {t.common.save}
        </Button>
      </div>
      {unsaved.dialog}
    </form>
  );
}
