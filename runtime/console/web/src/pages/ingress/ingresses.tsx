// The ingresses of a tenant: addresses at which platforms send messages in their own formats.

import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { Link, useParams } from "react-router";
import { basePath } from "../../api/client";
import { ingressCallsQuery, ingressesQuery, useMayManage } from "../../api/queries";
import type { Ingress } from "../../api/types";
import { Badge } from "../../components/badge";
import { PageHeader } from "../../components/layout";
import { Loaded } from "../../components/loaded";
import { Logo } from "../../components/logo";
import { Empty } from "../../components/notice";
import { useFormat, useTexts } from "../../text";
import { IngressState } from "./state";

/** With more ingresses than this, the list shows no calls: it would fetch those of each. */
const MAX_WITH_CALLS = 12;

export default function Ingresses() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const ingresses = useQuery(ingressesQuery(tenant));
  const mayManage = useMayManage();
  const create = mayManage && (
    <Link className="button primary" to={`${basePath(tenant)}/platforms`}>
      <Plus size={18} aria-hidden="true" /> {t.ingress.create}
    </Link>
  );
  return (
    <>
      <PageHeader title={t.ingress.title} lead={t.ingress.lead} actions={ingresses.data?.length !== 0 && create} />
      <Loaded query={ingresses}>
        {(all) =>
          all.length === 0 ? (
            <Empty title={t.ingress.empty} actions={create}>
              {t.ingress.emptyHelp} {!mayManage && t.ingress.manageOnly}
            </Empty>
          ) : (
            <ul className="rows card ingresses">
              {all.map((one) => <Row key={one.name} tenant={tenant} ingress={one} showsCalls={all.length <= MAX_WITH_CALLS} />)}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

function Row({ tenant, ingress, showsCalls }: { tenant: string; ingress: Ingress; showsCalls: boolean }) {
  const t = useTexts();
  const format = useFormat();
  const calls = useQuery({ ...ingressCallsQuery(tenant, ingress.name), enabled: showsCalls });
  const path = `${basePath(tenant)}/ingresses/${ingress.name}`;
  const last = calls.data?.[0];
  return (
    <li className="row-item">
      <Logo svg={null} name={t.ingressKinds[ingress.kind]} />
      <div className="grow">
        <p className="row-title">
          <Link to={path}>{ingress.name}</Link>
          <IngressState ingress={ingress} />
        </p>
        <p className="help">
          {t.ingressKinds[ingress.kind]}
          {calls.data && ` · ${last ? t.ingress.lastCall(format.ago(last.receivedAt)) : t.ingress.noCalls}`}
          {last?.outcome === "refused" && <> <Badge tone="bad">{t.ingressOutcomes.refused}</Badge></>}
        </p>
      </div>
      <Link className="button plain" to={path} aria-label={t.ingress.openNamed(ingress.name)}>{t.ingress.open}</Link>
    </li>
  );
}
