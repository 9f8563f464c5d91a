// Deletes an ingress, after the consequences are shown.

import { useMutation } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useNavigate } from "react-router";
import { apiPath, basePath, call, ingressPath } from "../../api/client";
import { client, ingressesQuery, ingressQuery } from "../../api/queries";
import type { Ingress } from "../../api/types";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { ErrorNotice } from "../../components/loaded";
import { useTexts } from "../../text";

export function DeleteIngressDialog({ tenant, ingress, onClose }: { tenant: string; ingress: Ingress; onClose: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const remove = useMutation({
    mutationFn: () => call(apiPath(tenant, ingressPath(ingress.name)), { method: "DELETE" }),
    onSuccess: async () => {
      await navigate(`${basePath(tenant)}/ingresses`);
      // Its page is gone, too: nothing asks for it again.
      client.removeQueries({ queryKey: ingressQuery(tenant, ingress.name).queryKey });
      void client.invalidateQueries({ queryKey: ingressesQuery(tenant).queryKey });
    },
  });
  return (
    <Dialog
      title={t.ingressPage.deleteTitle(ingress.name)}
      onClose={onClose}
      actions={
        <Button variant="danger" busy={remove.isPending} icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => remove.mutate()}>
          {t.ingressPage.delete}
        </Button>
      }
    >
      <p>{t.ingressPage.deleteHelp}</p>
      {remove.isError && <ErrorNotice error={remove.error} />}
    </Dialog>
  );
}
