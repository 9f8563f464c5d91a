// Flows: turn on the ones that may send messages.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { apiPath, call } from "../api/client";
import { activeQuery, client } from "../api/queries";
import { flowValues, type Flows as FlowSettings } from "../api/types";
import { Switch } from "../components/field";
import { Card, PageHeader } from "../components/layout";
import { ErrorNotice, Loaded } from "../components/loaded";
import { Notice } from "../components/notice";
import { useTexts } from "../text";

export default function Flows() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const key = ["tenant", tenant, "flows"];
  const flows = useQuery({ queryKey: key, queryFn: ({ signal }) => call<FlowSettings>(apiPath(tenant, "flows"), { signal }) });
  const active = useQuery(activeQuery(tenant));
  // The optimistic state: a switch moves at once, and back if the server refuses.
  const [wanted, setWanted] = useState<FlowSettings>();
  const set = useMutation({
    mutationFn: (next: FlowSettings) => call<FlowSettings>(apiPath(tenant, "flows"), { method: "PUT", body: next }),
    onSuccess: (saved) => {
      client.setQueryData(key, saved);
      void client.invalidateQueries({ queryKey: ["tenant", tenant, "active"] });
    },
    onSettled: () => setWanted(undefined),
  });
  return (
    <>
      <PageHeader title={t.flows.title} lead={t.flows.lead} />
      <Loaded query={active}>
        {(now) =>
          now.name ? (
            <p>{t.flows.sentBy(now.name)}</p>
          ) : (
            <Notice tone="warn" title={t.flows.noConnection}>
              <Link to={`/t/${tenant}/connectors`}>{t.flows.chooseConnection}</Link>
            </Notice>
          )
        }
      </Loaded>
      <Loaded query={flows}>
        {(on) => (
          <Card>
            <div className="switches">
              {flowValues.map((flow) => (
                <Switch
                  key={flow}
                  label={t.flowNames[flow]}
                  help={t.flowHelp[flow]}
                  checked={(wanted ?? on)[flow] === true}
                  disabled={set.isPending}
                  onChange={(checked) => {
                    const next = { ...on, [flow]: checked };
                    setWanted(next);
                    set.mutate(next);
                  }}
                />
              ))}
            </div>
            {set.isSuccess && <Notice tone="good" announce>{t.flows.saved}</Notice>}
            {set.isError && <ErrorNotice error={set.error} />}
          </Card>
        )}
      </Loaded>
    </>
  );
}
