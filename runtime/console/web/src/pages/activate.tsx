// What changes from the moment on in which a connection becomes the one that sends. Said before, not after.

import { useMutation, useQuery } from "@tanstack/react-query";
import { Zap } from "lucide-react";
import { at, call } from "../api/client";
import { activeQuery } from "../api/queries";
import type { ActiveConnection } from "../api/types";
import { Button, Notice } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { useTexts } from "../text";

interface ActivateProps {
  tenant: string;
  name: string;
  tested: boolean;
  /** What has to be done before: saving, where the page was not saved. It may fail with a problem of its own. */
  before?: () => Promise<unknown>;
  onClose: () => void;
  onDone: () => void;
  /** When `before` failed: the page shows why. */
  onRefused?: (error: unknown) => void;
}

export function Activate({ tenant, name, tested, before, onClose, onDone, onRefused }: ActivateProps) {
  const t = useTexts();
  const active = useQuery(activeQuery(tenant));
  const activate = useMutation({
    mutationFn: async () => {
      if (before) {
        try {
          await before();
        } catch (error) {
          onRefused?.(error);
          throw error;
        }
      }
      return await call<ActiveConnection>(at(tenant, "active-connection"), { method: "PUT", body: { name } });
    },
    onSuccess: onDone,
  });
  return (
    <Dialog
      title={t.activate.title(name)}
      onClose={onClose}
      actions={
        <Button
          look="primary"
          working={activate.isPending}
          disabled={!active.data}
          icon={<Zap size={16} aria-hidden="true" />}
          onClick={() => activate.mutate()}
        >
          {before ? t.activate.saveAndConfirm : t.activate.confirm}
        </Button>
      }
    >
      <Loaded query={active}>{(now) => <Consequences now={now} name={name} />}</Loaded>
      {!tested && <Notice tone="warn">{t.activate.untested}</Notice>}
      {activate.isError && <Failed error={activate.error} />}
    </Dialog>
  );
}

function Consequences({ now, name }: { now: ActiveConnection; name: string }) {
  const t = useTexts();
  if (now.name === name) return <p>{t.activate.same}</p>;
  const flows = now.flows.map((flow) => t.flowNames[flow] ?? flow).join(", ");
  return (
    <>
      <p><b>{t.activate.fromNowOn}</b></p>
      <ul className="consequences">
        <li>{now.name ? t.activate.instead(name, now.name) : t.activate.first(name)}</li>
        {now.name && <li>{t.activate.underWay}</li>}
        {now.name && <li>{t.activate.stays(now.name)}</li>}
        <li>{flows ? t.activate.flows(flows) : t.activate.noFlows}</li>
      </ul>
    </>
  );
}
