// Activates a connection, after the consequences are shown.

import { useMutation, useQuery } from "@tanstack/react-query";
import { Zap } from "lucide-react";
import { apiPath, call } from "../../api/client";
import { activeQuery } from "../../api/queries";
import type { ActiveConnection } from "../../api/types";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { useTexts } from "../../text";

interface ActivateProps {
  tenant: string;
  name: string;
  tested: boolean;
  /** Runs before the activation: saves a connection that has unsaved changes. */
  before?: () => Promise<unknown>;
  onClose: () => void;
  onDone: () => void;
  /** `before` failed; the page shows the error. */
  onBeforeError?: (error: unknown) => void;
}

export function ActivateDialog({ tenant, name, tested, before, onClose, onDone, onBeforeError }: ActivateProps) {
  const t = useTexts();
  const active = useQuery(activeQuery(tenant));
  const activate = useMutation({
    mutationFn: async () => {
      if (before) {
        try {
          await before();
        } catch (error) {
          onBeforeError?.(error);
          throw error;
        }
      }
      return await call<ActiveConnection>(apiPath(tenant, "active-connection"), { method: "PUT", body: { name } });
    },
    onSuccess: onDone,
  });
  return (
    <Dialog
      title={t.activate.title(name)}
      onClose={onClose}
      actions={
        <Button
          variant="primary"
          busy={activate.isPending}
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
      {activate.isError && <ErrorNotice error={activate.error} />}
    </Dialog>
  );
}

function Consequences({ now, name }: { now: ActiveConnection; name: string }) {
  const t = useTexts();
  if (now.name === name) return <p>{t.activate.same}</p>;
  const flows = now.flows.map((flow) => t.flowNames[flow]).join(", ");
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
