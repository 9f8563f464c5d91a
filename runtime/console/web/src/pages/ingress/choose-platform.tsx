// The platforms that an ingress can be created for.

import { useState } from "react";
import { Link, useParams } from "react-router";
import { basePath } from "../../api/client";
import { ingressKindValues } from "../../api/types";
import { Search } from "../../components/field";
import { PageHeader } from "../../components/layout";
import { Logo } from "../../components/logo";
import { Empty } from "../../components/notice";
import { useTexts } from "../../text";

/** The platforms with a name, and then everything else. */
const KINDS = [...ingressKindValues.filter((kind) => kind !== "generic"), "generic" as const];

export default function ChoosePlatform() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  const shown = KINDS.filter((kind) => `${kind} ${t.ingressKinds[kind]} ${t.ingressKindHelp[kind]}`.toLowerCase().includes(wanted));
  return (
    <>
      <PageHeader
        title={t.newIngress.choose}
        lead={t.newIngress.chooseLead}
        actions={<Search label={t.newIngress.find} value={filter} onChange={setFilter} />}
      />
      <p className="visually-hidden" role="status">{shown.length === 0 ? t.newIngress.nothingFound : ""}</p>
      {shown.length === 0 && <Empty title={t.newIngress.nothingFound} />}
      <ul className="cards platforms">
        {shown.map((kind) => (
          <li key={kind} className="card platform">
            <Logo svg={null} name={t.ingressKinds[kind]} />
            <div>
              <h2><Link className="covering" to={`${basePath(tenant)}/platforms/${kind}/set-up`}>{t.ingressKinds[kind]}</Link></h2>
              <p className="help">{t.ingressKindHelp[kind]}</p>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
