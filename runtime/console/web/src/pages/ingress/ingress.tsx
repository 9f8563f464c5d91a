// The page of an ingress: its address and secrets, how to set up the platform, its calls and its settings.

import { useEffect, useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { apiPath, basePath, call, ingressPath } from "../../api/client";
import { client, ingressesQuery, ingressQuery, useMayManage } from "../../api/queries";
import type { Ingress } from "../../api/types";
import { Button } from "../../components/button";
import { PageHeader } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Logo } from "../../components/logo";
import { Notice } from "../../components/notice";
import { useTexts } from "../../text";
import { AddressCard } from "./address";
import { CallsCard } from "./calls";
import { DeleteIngressDialog } from "./delete";
import { ReplaceSecretDialog, SecretsCard } from "./secrets";
import { SettingsEditor } from "./settings-editor";
import { SetupSteps } from "./setup-steps";
import { IngressState, lacksSecret } from "./state";

export default function IngressPage() {
  const { tenant = "", ingress = "" } = useParams();
  const query = useQuery(ingressQuery(tenant, ingress));
  return <Loaded query={query}>{(saved) => <Content key={saved.name} tenant={tenant} ingress={saved} />}</Loaded>;
}

function Content({ tenant, ingress }: { tenant: string; ingress: Ingress }) {
  const t = useTexts();
  const navigate = useNavigate();
  const mayManage = useMayManage();
  const [showsSecrets, setShowsSecrets] = useState(false);
  const [replacing, setReplacing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  // What happened on the page before comes along with the address.
  const { pathname, state } = useLocation() as { pathname: string; state: { success?: string } | null };
  const [success, setSuccess] = useState(state?.success ?? "");
  useEffect(() => {
    if (state?.success) void navigate(pathname, { replace: true, state: null });
  }, [state, pathname, navigate]);
  const platform = t.ingressKinds[ingress.kind];
  const store = (next: Ingress) => {
    client.setQueryData(ingressQuery(tenant, ingress.name).queryKey, next);
    void client.invalidateQueries({ queryKey: ingressesQuery(tenant).queryKey });
  };
  const toggle = useMutation({
    mutationFn: () =>
      call<Ingress>(apiPath(tenant, ingressPath(ingress.name)), {
        method: "PUT",
        body: { kind: ingress.kind, enabled: !ingress.enabled, settings: ingress.settings },
      }),
    onSuccess: store,
  });
  return (
    <>
      <PageHeader
        title={<span className="titled wrapping"><Logo svg={null} name={platform} />{ingress.name} <IngressState ingress={ingress} /></span>}
        lead={<>{platform} · {t.ingressKindHelp[ingress.kind]} · <Link to={`${basePath(tenant)}/ingresses`}>{t.ingressPage.back}</Link></>}
        actions={
          mayManage && (
            <>
              <Button busy={toggle.isPending} onClick={() => toggle.mutate()}>{ingress.enabled ? t.ingressPage.disable : t.ingressPage.enable}</Button>
              <Button variant="quiet" icon={<Trash2 size={16} aria-hidden="true" />} onClick={() => setDeleting(true)}>{t.common.delete}</Button>
            </>
          )
        }
      />
      {success && <Notice tone="good" announce>{success}</Notice>}
      {toggle.isError && <ErrorNotice error={toggle.error} />}
      {!ingress.enabled && <Notice tone="warn" title={t.ingressPage.isDisabled} announce>{t.ingressPage.isDisabledHelp}</Notice>}
      {lacksSecret(ingress) && (
        <Notice
          tone="warn"
          title={t.ingressPage.secretNeeded(platform)}
          actions={<Button onClick={() => setReplacing(true)}>{t.ingressPage.enterSecret}</Button>}
        >
          {t.ingressPage.secretNeededHelp}
        </Notice>
      )}
      {ingress.address == null ? (
        <Notice tone="info">{t.ingressPage.addressHidden}</Notice>
      ) : (
        <>
          <AddressCard
            tenant={tenant}
            ingress={ingress}
            address={ingress.address}
            onChanged={(next) => {
              store(next);
              setSuccess(t.ingressPage.rotated);
            }}
          />
          <SecretsCard
            tenant={tenant}
            ingress={ingress}
            shown={showsSecrets}
            onShow={setShowsSecrets}
            onReplace={() => setReplacing(true)}
            onChanged={store}
          />
          <SetupSteps ingress={ingress} address={ingress.address} shown={showsSecrets} onShow={setShowsSecrets} />
        </>
      )}
      <CallsCard tenant={tenant} ingress={ingress} />
      {mayManage && <SettingsEditor tenant={tenant} saved={ingress} onSaved={store} />}
      {replacing && (
        <ReplaceSecretDialog
          tenant={tenant}
          ingress={ingress}
          onClose={() => setReplacing(false)}
          onChanged={(next) => {
            store(next);
            setReplacing(false);
          }}
        />
      )}
      {deleting && <DeleteIngressDialog tenant={tenant} ingress={ingress} onClose={() => setDeleting(false)} />}
    </>
  );
}
