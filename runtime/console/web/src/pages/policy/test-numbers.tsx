// Numbers with a fixed code, for automated tests.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { apiPath, call } from "../../api/client";
import { client } from "../../api/queries";
import { Button } from "../../components/button";
import { Card } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { useTexts } from "../../text";

interface TestNumber {
  number: string;
  code: string;
}

export function TestNumbers({ tenant }: { tenant: string }) {
  const t = useTexts();
  const key = ["tenant", tenant, "test-numbers"];
  const numbers = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<{ numbers: string[] }>(apiPath(tenant, "test-numbers"), { signal }),
  });
  const [rows, setRows] = useState<TestNumber[]>();
  const save = useMutation({
    mutationFn: (all: TestNumber[]) => call<{ numbers: string[] }>(apiPath(tenant, "test-numbers"), { method: "PUT", body: { numbers: all } }),
    onSuccess: (saved) => {
      client.setQueryData(key, saved);
      setRows(undefined);
    },
  });
  const set = (index: number, part: Partial<TestNumber>) => setRows(rows?.map((row, at) => (at === index ? { ...row, ...part } : row)));
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
              <button type="button" className="icon-button" aria-label={t.common.remove} onClick={() => setRows(rows.filter((_, at) => at !== index))}>
                <X size={16} aria-hidden="true" />
              </button>
            </div>
          ))}
          {save.isError && <ErrorNotice error={save.error} />}
          <div className="row">
            <Button icon={<Plus size={16} aria-hidden="true" />} onClick={() => setRows([...rows, { number: "", code: "" }])}>
              {t.policy.addTestNumber}
            </Button>
            <Button type="submit" variant="primary" busy={save.isPending}>{t.common.save}</Button>
            <Button variant="quiet" onClick={() => setRows(undefined)}>{t.common.cancel}</Button>
          </div>
        </form>
      )}
    </Card>
  );
}
