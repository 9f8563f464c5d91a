// Which flows of the platform may send messages.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { at, call } from "../api/client";
import { activeQuery, client } from "../api/queries";
import { Card, Notice, PageHead, Switch } from "../parts/basics";
import { Failed, Loaded } from "../parts/loaded";
import { useTexts } from "../text";

type FlowsOn = Record<string, boolean>;

export default function Flows() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const key = ["tenant", tenant, "flows"];
  const flows = useQuery({ queryKey: key, queryFn: ({ signal }) => call<FlowsOn>(at(tenant, "flows"), { signal }) });
  const active = useQuery(activeQuery(tenant));
  // What was switched, until the server has answered: a switch moves at once, and back when it is refused.
  const [wanted, setWanted] = useState<FlowsOn>();
  const set = useMutation({
    mutationFn: (next: FlowsOn) => call<FlowsOn>(at(tenant, "flows"), { method: "PUT", body: next }),
    onSuccess: (saved) => {
      client.setQueryData(key, saved);
      void client.invalidateQueries({ queryKey: ["tenant", tenant, "active"] });
    },
    onSettled: () => setWanted(undefined),
  });
  return (
    <>
      <PageHead title={t.flows.title} lead={t.flows.lead} />
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
              {Object.keys(t.flowNames).map((flow) => (
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
            {set.isSuccess && <Notice tone="good" announced>{t.flows.saved}</Notice>}
            {set.isError && <Failed error={set.error} />}
          </Card>
        )}
      </Loaded>
    </>
  );
}
