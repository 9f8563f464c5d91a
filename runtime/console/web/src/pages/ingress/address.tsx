// The address of an ingress, and its rotation.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { apiPath, call, ingressPath } from "../../api/client";
import type { Ingress } from "../../api/types";
import { Button, CopyButton } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { Card } from "../../components/layout";
import { ErrorNotice } from "../../components/loaded";
import { useFormat, useTexts } from "../../text";

/** The whole address: without a public URL, the server knows the path only. */
export const fullAddress = (address: string): string => (address.startsWith("/") ? `${window.location.origin}${address}` : address);

interface AddressProps {
  tenant: string;
  ingress: Ingress;
  address: string;
  onChanged: (ingress: Ingress) => void;
}

export function AddressCard({ tenant, ingress, address, onChanged }: AddressProps) {
  const t = useTexts();
  const format = useFormat();
  const [rotating, setRotating] = useState(false);
  const whole = fullAddress(address);
  // As this browser reaches it: the public URL of a demo, for one, leads nowhere.
  const local = `${window.location.origin}${new URL(whole).pathname}`;
  return (
    <Card
      title={t.ingressPage.address}
      help={t.ingressPage.addressHelp}
      actions={<Button icon={<RefreshCw size={16} aria-hidden="true" />} onClick={() => setRotating(true)}>{t.ingressPage.rotate}</Button>}
    >
      {/* A new address has not been copied yet. */}
      <p className="row">
        <code className="secret">{whole}</code> <CopyButton key={whole} text={whole} name={t.ingressPage.address} />
      </p>
      {local !== whole && (
        <div className="secret-line">
          <p className="help">{t.ingressPage.alsoAt}</p>
          <p className="row">
            <code className="secret">{local}</code> <CopyButton key={local} text={local} name={t.ingressPage.localAddress} />
          </p>
        </div>
      )}
      {whole !== address && <p className="help">{t.ingressPage.noPublicUrl}</p>}
      {ingress.previousAddressExpiresAt && <p role="status">{t.ingressPage.previousUntil(format.dateTime(ingress.previousAddressExpiresAt))}</p>}
      {rotating && (
        <RotateDialog
          tenant={tenant}
          name={ingress.name}
          onClose={() => setRotating(false)}
          onChanged={(next) => {
            setRotating(false);
            onChanged(next);
          }}
        />
      )}
    </Card>
  );
}

interface RotateProps {
  tenant: string;
  name: string;
  onClose: () => void;
  onChanged: (ingress: Ingress) => void;
}

function RotateDialog({ tenant, name, onClose, onChanged }: RotateProps) {
  const t = useTexts();
  const [grace, setGrace] = useState("86400");
  const rotate = useMutation({
    mutationFn: () => call<Ingress>(apiPath(tenant, ingressPath(name, "rotate-address")), { method: "POST", body: { graceSeconds: Number(grace) } }),
    onSuccess: onChanged,
  });
  return (
    <Dialog
      title={t.ingressPage.rotateTitle}
      onClose={onClose}
      actions={<Button variant="primary" busy={rotate.isPending} onClick={() => rotate.mutate()}>{t.ingressPage.rotate}</Button>}
    >
      <p>{t.ingressPage.rotateHelp}</p>
      <Field label={t.ingressPage.grace}>
        {(ids) => (
          <select {...ids} value={grace} onChange={(event) => setGrace(event.target.value)}>
            {Object.entries(t.ingressPage.graces).map(([seconds, text]) => <option key={seconds} value={seconds}>{text}</option>)}
          </select>
        )}
      </Field>
      {rotate.isError && <ErrorNotice error={rotate.error} />}
    </Dialog>
  );
}
