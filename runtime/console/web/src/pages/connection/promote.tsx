// Copies a tested connection to a production tenant: shows the difference first, then applies exactly that.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { apiPath, basePath, call, Problem } from "../../api/client";
import { client, connectorQuery } from "../../api/queries";
import { promotedSecretsValues, type Connection, type Page, type PromotedSecrets, type PromotionResult, type Tenant } from "../../api/types";
import { Button } from "../../components/button";
import { Changes } from "../../components/changes";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { secretParameters } from "../../form/schema";
import { useTexts } from "../../text";

interface PromoteProps {
  tenant: string;
  connection: Connection;
  onClose: () => void;
}

export function PromoteDialog({ tenant, connection, onClose }: PromoteProps) {
  const t = useTexts();
  const tenants = useQuery({
    queryKey: ["tenants", "production"],
    queryFn: ({ signal }) => call<Page<Tenant>>("/v1/tenants?limit=200", { signal }),
    select: (page) => page.items.filter((one) => one.environment === "production"),
  });
  const connector = useQuery(connectorQuery(tenant, connection.connector));
  const [to, setTo] = useState("");
  const [secrets, setSecrets] = useState<PromotedSecrets>("copy");
  const [given, setGiven] = useState<Record<string, string>>({});
  const target = to || tenants.data?.[0]?.id || "";
  const promote = useMutation({
    mutationFn: (confirmationToken?: string) =>
      call<PromotionResult>(apiPath(tenant, "promotions"), {
        method: "POST",
        body: {
          connection: connection.name,
          targetTenant: target,
          secrets,
          parameters: secrets === "ask" ? given : {},
          ...(confirmationToken && { confirmationToken }),
        },
      }),
    onSuccess: (report) => {
      if (report.applied) void client.invalidateQueries({ queryKey: ["tenant", target] });
    },
  });
  const report = promote.data;
  const names = connector.data ? secretParameters(connector.data.parametersSchema) : [];
  const changedMeanwhile = promote.error instanceof Problem && promote.error.kind === "diff-changed";
  const again = () => promote.reset();
  return (
    <Dialog
      title={t.promote.title(connection.name)}
      onClose={onClose}
      wide
      finished={report?.applied}
      actions={
        report?.applied ? null : report ? (
          <>
            <Button onClick={again}>{t.common.back}</Button>
            <Button
              variant="primary"
              busy={promote.isPending}
              disabled={report.changes.length === 0}
              onClick={() => promote.mutate(report.confirmationToken ?? undefined)}
            >
              {t.promote.confirm}
            </Button>
          </>
        ) : (
          <Button variant="primary" busy={promote.isPending} disabled={!target} onClick={() => promote.mutate(undefined)}>
            {t.promote.compare}
          </Button>
        )
      }
    >
      {report?.applied ? (
        <Notice tone="good" announce>
          <p>{t.promote.done(report.targetTenant)}</p>
          <p>
            <Link to={`${basePath(report.targetTenant)}/connections/${connection.name}`}>
              {t.promote.open(connection.name, report.targetTenant)}
            </Link>
          </p>
        </Notice>
      ) : report ? (
        <>
          <p>{report.replaces ? t.promote.replaces : t.promote.isNew}</p>
          {report.active && <Notice tone="warn">{t.promote.activeThere}</Notice>}
          <h3>{t.promote.changes}</h3>
          {report.changes.length === 0 ? <p>{t.promote.noChanges}</p> : <Changes changes={report.changes} />}
        </>
      ) : (
        <>
          <p className="lead">{t.promote.lead}</p>
          <Loaded query={tenants}>
            {(all) =>
              all.length === 0 ? (
                <Notice tone="info">{t.promote.noTargets}</Notice>
              ) : (
                <Field label={t.promote.to}>
                  {(ids) => (
                    <select {...ids} value={target} onChange={(event) => setTo(event.target.value)}>
                      {all.map((one) => <option key={one.id} value={one.id}>{one.name} ({one.id})</option>)}
                    </select>
                  )}
                </Field>
              )
            }
          </Loaded>
          <fieldset className="choices">
            <legend>{t.promote.secrets}</legend>
            {promotedSecretsValues.map((one) => (
              <label key={one} className="choice">
                <input type="radio" name="secrets" checked={secrets === one} onChange={() => setSecrets(one)} />
                <span><b>{t.promote[one]}</b></span>
              </label>
            ))}
          </fieldset>
          {secrets === "ask" &&
            names.map(([name, title]) => (
              <Field key={name} label={title}>
                {(ids) => (
                  <input
                    {...ids}
                    type="password"
                    autoComplete="off"
                    value={given[name] ?? ""}
                    onChange={(event) => setGiven({ ...given, [name]: event.target.value })}
                  />
                )}
              </Field>
            ))}
        </>
      )}
      {promote.isError &&
        (changedMeanwhile ? (
          <Notice tone="warn" announce actions={<Button onClick={again}>{t.promote.compare}</Button>}>
            {t.promote.changedMeanwhile}
          </Notice>
        ) : (
          <ErrorNotice error={promote.error} />
        ))}
    </Dialog>
  );
}
