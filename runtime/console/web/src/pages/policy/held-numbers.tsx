// Numbers to which nothing is sent because a provider suspects fraud, and the button that releases them.

import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { apiPath, call } from "../../api/client";
import { client } from "../../api/queries";
import type { Hold } from "../../api/types";
import { Button } from "../../components/button";
import { Card } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { useFormat, useTexts } from "../../text";

export function HeldNumbers({ tenant }: { tenant: string }) {
  const t = useTexts();
  const format = useFormat();
  const key = ["tenant", tenant, "holds"];
  const holds = useQuery({ queryKey: key, queryFn: ({ signal }) => call<Hold[]>(apiPath(tenant, "holds"), { signal }) });
  const lift = useMutation({
    mutationFn: (id: string) => call(apiPath(tenant, `holds/${encodeURIComponent(id)}`), { method: "DELETE" }),
    onSettled: () => client.invalidateQueries({ queryKey: key }),
  });
  return (
    <Card title={t.policy.holds} help={t.policy.holdsHelp}>
      <Loaded query={holds}>
        {(all) =>
          all.length === 0 ? (
            <p className="fine">{t.policy.noHolds}</p>
          ) : (
            <ul className="rows">
              {all.map((hold) => (
                <li key={hold.id} className="row-item">
                  <div className="grow">
                    <p className="row-title">{hold.prefix}</p>
                    <p className="help">
                      {hold.reason} · <Link to={`/t/${tenant}/messages/${hold.message}`}>{t.message.title}</Link> ·{" "}
                      {t.policy.until(format.dateTime(hold.expiresAt))}
                    </p>
                  </div>
                  <Button busy={lift.isPending} onClick={() => lift.mutate(hold.id)}>{t.policy.lift}</Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {lift.isError && <ErrorNotice error={lift.error} />}
    </Card>
  );
}
