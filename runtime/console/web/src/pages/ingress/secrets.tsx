// The secrets of an ingress: shown on demand, copied, replaced.

import { useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Eye, EyeOff } from "lucide-react";
import { apiPath, call, ingressPath } from "../../api/client";
import type { Ingress } from "../../api/types";
import { Button, CopyButton } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { Card, Facts } from "../../components/layout";
import { ErrorNotice } from "../../components/loaded";
import { useTexts } from "../../text";
import { authenticationOf, draftOf, generateSecret } from "./draft";
import { platforms } from "./platforms";
import { useIngressErrors } from "./sentence";

/** In place of a secret that is not shown. */
export const CONCEALED = "••••••••••••";

function putSecrets(tenant: string, ingress: Ingress, secrets: string[]): Promise<Ingress> {
  const { kind, enabled, settings } = ingress;
  const authentication = authenticationOf(draftOf(ingress), secrets);
  return call<Ingress>(apiPath(tenant, ingressPath(ingress.name)), { method: "PUT", body: { kind, enabled, settings, authentication } });
}

/** Shows or hides all secrets of the page. */
export function ShowButton({ shown, onShow }: { shown: boolean; onShow: (shown: boolean) => void }) {
  const t = useTexts();
  return (
    <Button
      aria-pressed={shown}
      icon={shown ? <EyeOff size={16} aria-hidden="true" /> : <Eye size={16} aria-hidden="true" />}
      onClick={() => onShow(!shown)}
    >
      {shown ? t.ingressPage.hideSecrets : t.ingressPage.showSecrets}
    </Button>
  );
}

interface SecretsProps {
  tenant: string;
  ingress: Ingress;
  shown: boolean;
  onShow: (shown: boolean) => void;
  onReplace: () => void;
  onChanged: (ingress: Ingress) => void;
}

export function SecretsCard({ tenant, ingress, shown, onShow, onReplace, onChanged }: SecretsProps) {
  const t = useTexts();
  const { kind, authentication: { type, header, username, audience } } = ingress;
  const secrets = ingress.authentication.secrets ?? [];
  const remove = useMutation({ mutationFn: () => putSecrets(tenant, ingress, secrets.slice(0, 1)), onSuccess: onChanged });
  return (
    <Card
      title={t.ingressForm.authentication}
      actions={
        type !== "none" && (
          <>
            {secrets.length > 0 && <ShowButton shown={shown} onShow={onShow} />}
            <Button onClick={onReplace}>{secrets.length > 0 ? t.ingressPage.replaceSecret : t.ingressPage.enterSecret}</Button>
          </>
        )
      }
    >
      <Facts
        facts={[
          [t.ingressForm.method, t.ingressMethods[type]],
          [t.ingressForm.header, header && <code>{header}</code>],
          [kind === "twilio" ? t.ingressPage.accountSid : t.ingressForm.username, username && <code>{username}</code>],
          [t.ingressForm.audience, audience && <code>{audience}</code>],
        ]}
      />
      {secrets.map((secret, index) => {
        const name = index === 0 ? t.ingressPage.secretNew : t.ingressPage.secretOld;
        return (
          <div key={secret} className="secret-line">
            <p className="fine">{name}</p>
            <p className="row">
              {shown ? <code className="secret">{secret}</code> : <code className="secret" aria-label={t.ingressPage.concealed} role="img">{CONCEALED}</code>}
              <CopyButton text={secret} name={name} />
              {index > 0 && (
                <Button variant="quiet" aria-label={t.ingressPage.removeOldNamed} busy={remove.isPending} onClick={() => remove.mutate()}>
                  {t.ingressPage.removeOld}
                </Button>
              )}
            </p>
          </div>
        );
      })}
      {remove.isError && <ErrorNotice error={remove.error} />}
    </Card>
  );
}

interface ReplaceProps {
  tenant: string;
  ingress: Ingress;
  onClose: () => void;
  onChanged: (ingress: Ingress) => void;
}

export function ReplaceSecretDialog({ tenant, ingress, onClose, onChanged }: ReplaceProps) {
  const t = useTexts();
  const { kind, authentication: { type } } = ingress;
  const { makesSecret } = platforms[kind];
  const [secret, setSecret] = useState("");
  const [keepsOld, setKeepsOld] = useState(true);
  const old = ingress.authentication.secrets?.[0];
  const replace = useMutation({
    mutationFn: () => putSecrets(tenant, ingress, old && keepsOld ? [secret, old] : [secret]),
    onSuccess: onChanged,
  });
  const errors = useIngressErrors(replace.error);
  const title = old ? t.ingressPage.replaceSecret : t.ingressPage.enterSecret;
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={<Button variant="primary" busy={replace.isPending} disabled={!secret} onClick={() => replace.mutate()}>{t.common.save}</Button>}
    >
      <p>{makesSecret ? t.ingressPage.enterHelp(t.ingressKinds[kind]) : t.ingressPage.replaceHelp}</p>
      <Field
        label={t.ingressPage.newSecret}
        help={type === "standard-webhooks" ? t.ingressForm.webhookSecretForms : t.ingressForm.secretForms}
        error={errors.at("/authentication/secrets")}
      >
        {(ids) => (
          <span className="with-button">
            <input {...ids} className="mono" autoComplete="off" spellCheck={false} maxLength={512} value={secret} onChange={(event) => setSecret(event.target.value)} />
            {!makesSecret && <Button onClick={() => setSecret(generateSecret(kind, type))}>{t.ingressPage.generate}</Button>}
          </span>
        )}
      </Field>
      {old && (
        <label className="choice inline">
          <input type="checkbox" checked={keepsOld} onChange={(event) => setKeepsOld(event.target.checked)} />
          <span>{t.ingressPage.keepOld}</span>
        </label>
      )}
      {replace.isError && !errors.isComplete && <ErrorNotice error={replace.error} />}
    </Dialog>
  );
}
