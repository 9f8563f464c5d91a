// Numbers that are treated otherwise: held ones, and those of tests.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { Link } from "react-router";
import { at, call } from "../api/client";
import { client } from "../api/queries";
import type { Hold } from "../api/types";
import { Button, Card, Notice } from "../parts/basics";
import { Failed, Loaded } from "../parts/loaded";
import { useFormat, useTexts } from "../text";

export function Holds({ tenant }: { tenant: string }) {
  const t = useTexts();
  const format = useFormat();
  const key = ["tenant", tenant, "holds"];
  const holds = useQuery({ queryKey: key, queryFn: ({ signal }) => call<Hold[]>(at(tenant, "holds"), { signal }) });
  const lift = useMutation({
    mutationFn: (id: string) => call(at(tenant, `holds/${encodeURIComponent(id)}`), { method: "DELETE" }),
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
                  <Button working={lift.isPending} onClick={() => lift.mutate(hold.id)}>{t.policy.lift}</Button>
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {lift.isError && <Failed error={lift.error} />}
    </Card>
  );
}

interface Row {
  number: string;
  code: string;
}

export function TestNumbers({ tenant }: { tenant: string }) {
  const t = useTexts();
  const key = ["tenant", tenant, "test-numbers"];
  const numbers = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<{ numbers: string[] }>(at(tenant, "test-numbers"), { signal }),
  });
  const [rows, setRows] = useState<Row[]>();
  const save = useMutation({
    mutationFn: (all: Row[]) => call<{ numbers: string[] }>(at(tenant, "test-numbers"), { method: "PUT", body: { numbers: all } }),
    onSuccess: (saved) => {
      client.setQueryData(key, saved);
      setRows(undefined);
    },
  });
  const set = (index: number, part: Partial<Row>) => setRows(rows?.map((row, place) => (place === index ? { ...row, ...part } : row)));
  return (
    <Card
      title={t.policy.testNumbers}
      help={t.policy.testNumbersHelp}
      actions={!rows && <Button onClick={() => setRows([{ number: "", code: "" }])}>{t.policy.replaceTestNumbers}</Button>}
    >
      <Loaded query={numbers}>
        {(known) => (known.numbers.length === 0 ? <p className="fine">{t.policy.noTestNumbers}</p> : <p>{known.numbers.join(", ")}</p>)}
      </Loaded>
      {rows && (
        <form
          className="fields"
          onSubmit={(event) => {
            event.preventDefault();
            save.mutate(rows.filter((row) => row.number || row.code));
          }}
        >
          <Notice tone="info">{t.policy.replaceTestNumbersHelp}</Notice>
          {rows.map((row, index) => (
            <div key={index} className="row">
              <input type="tel" aria-label={t.policy.testNumber} placeholder="+4512345678" value={row.number} onChange={(event) => set(index, { number: event.target.value })} />
              <input inputMode="numeric" aria-label={t.policy.testCode} placeholder="424242" value={row.code} onChange={(event) => set(index, { code: event.target.value })} />
              <button type="button" className="icon-button" aria-label={t.common.remove} onClick={() => setRows(rows.filter((_, place) => place !== index))}>
                <X size={16} aria-hidden="true" />
              </button>
            </div>
          ))}
          {save.isError && <Failed error={save.error} />}
          <div className="row">
            <Button icon={<Plus size={16} aria-hidden="true" />} onClick={() => setRows([...rows, { number: "", code: "" }])}>
              {t.policy.addTestNumber}
            </Button>
            <Button type="submit" look="primary" working={save.isPending}>{t.common.save}</Button>
            <Button look="quiet" onClick={() => setRows(undefined)}>{t.common.cancel}</Button>
          </div>
        </form>
      )}
    </Card>
  );
}
