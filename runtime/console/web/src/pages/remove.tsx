// A connection is deleted, after it was said what that means.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { at, call } from "../api/client";
import { activeQuery, refresh } from "../api/queries";
import type { Connection } from "../api/types";
import { Button, Notice } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { useTexts } from "../text";

interface RemoveProps {
  tenant: string;
  connection: Connection;
  onClose: () => void;
  onGone: () => void;
}

export function RemoveConnection({ tenant, connection, onClose, onGone }: RemoveProps) {
  const t = useTexts();
  const navigate = useNavigate();
  const active = useQuery(activeQuery(tenant));
  const [understood, setUnderstood] = useState(false);
  const sends = active.data?.name === connection.name;
  const remove = useMutation({
    mutationFn: () =>
      call(`${at(tenant, `connections/${encodeURIComponent(connection.name)}`)}${sends ? "?force=true" : ""}`, {
        method: "DELETE",
      }),
    onSuccess: async () => {
      onGone();
      await navigate(`/t/${tenant}/connectors`);
      void refresh(tenant);
    },
  });
  return (
    <Dialog
      title={t.remove.title(connection.name)}
      onClose={onClose}
      actions={
        <Button
          look="danger"
          working={remove.isPending}
          disabled={!active.data || (sends && !understood)}
          icon={<Trash2 size={16} aria-hidden="true" />}
          onClick={() => remove.mutate()}
        >
          {t.remove.confirm}
        </Button>
      }
    >
      <p>{t.remove.gone}</p>
      <Loaded query={active}>
        {(now) =>
          now.name === connection.name ? (
            <>
              <Notice tone="bad" title={t.remove.active}>
                {now.flows.length > 0 && (
                  <p>{t.remove.flows(now.flows.map((flow) => t.flowNames[flow] ?? flow).join(", "))}</p>
                )}
                <p>{t.remove.activateOther}.</p>
              </Notice>
              <label className="choice">
                <input type="checkbox" checked={understood} onChange={(event) => setUnderstood(event.target.checked)} />
                <span>{t.remove.understood}</span>
              </label>
            </>
          ) : (
            <p className="help">{t.remove.fallbacks}</p>
          )
        }
      </Loaded>
      {remove.isError && <Failed error={remove.error} />}
    </Dialog>
  );
}
