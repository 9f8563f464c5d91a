// The requests of a version, line by line: what was held back first, with what differs, and the approval of it.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { at, call } from "../api/client";
import { refresh } from "../api/queries";
import type { ShapeLine, VersionShape } from "../api/types";
import { Badge, Button, Notice } from "../parts/basics";
import { Dialog } from "../parts/dialog";
import { Failed, Loaded } from "../parts/loaded";
import { useFormat, useTexts } from "../text";
import { pathOf } from "./versions";

interface ShapesProps {
  tenant: string;
  id: string;
  digest: string;
  /** The version that it is compared with. */
  active: string;
}

export function Shapes({ tenant, id, digest, active }: ShapesProps) {
  const t = useTexts();
  const path = `versions/${encodeURIComponent(digest)}/shapes`;
  const query = useQuery({
    queryKey: ["tenant", tenant, "shapes", id, digest, active],
    queryFn: ({ signal }) => call<VersionShape[]>(at(tenant, pathOf(id, path)), { signal }),
  });
  return (
    <Loaded query={query}>
      {(all) => {
        const held = all.filter((shape) => shape.origin === "held");
        return (
          <>
            {held.length > 0 && (
              <Notice tone="warn" title={t.shapes.heldTitle}>
                <p>{t.shapes.heldHelp}</p>
                {held.map((shape) => <Held key={shape.shape} shape={shape} path={at(tenant, pathOf(id, path))} tenant={tenant} />)}
              </Notice>
            )}
            <details>
              <summary>{t.shapes.title}</summary>
              <p className="help">{all.length === 0 ? t.shapes.none : t.shapes.help}</p>
              {all.filter((shape) => shape.origin !== "held").map((shape) => <Shape key={shape.shape} shape={shape} />)}
            </details>
          </>
        );
      }}
    </Loaded>
  );
}

function Shape({ shape }: { shape: VersionShape }) {
  const t = useTexts();
  const format = useFormat();
  const added = new Set(shape.changes.filter((change) => change.added).map((change) => change.line));
  const by = shape.approvedBy === "platform" ? t.audit.platform : shape.approvedBy;
  return (
    <section className="shape">
      <p>
        <Badge tone={shape.origin === "held" ? "bad" : "neutral"}>{t.shapes.origin[shape.origin]}</Badge>{" "}
        {added.size > 0 && shape.origin !== "held" && <Badge tone="warn">{t.shapes.isNew}</Badge>}{" "}
        <span className="fine">
          {by && `${t.shapes.by(by)} · `}
          {shape.requests > 0 && `${t.shapes.requests(shape.requests)} · `}
          {format.ago(shape.lastSeen)}
        </span>
      </p>
      <pre>
        {shape.changes.filter((change) => !change.added).map((change) => <Line key={`-${change.line}`} change={change} />)}
        {shape.lines.map((line, index) => <Line key={`${index}${line}`} change={{ added: added.has(line), line }} isSame={!added.has(line)} />)}
      </pre>
    </section>
  );
}

/** A line of a request, marked where it differs. */
export function Line({ change, isSame = false }: { change: ShapeLine; isSame?: boolean }) {
  const t = useTexts();
  if (isSame) return <>{`  ${change.line}\n`}</>;
  const [Mark, sign, name] = change.added ? (["ins", "+", t.shapes.added] as const) : (["del", "-", t.shapes.removed] as const);
  return <Mark title={name}>{`${sign} ${change.line}\n`}</Mark>;
}

function Held({ shape, path, tenant }: { shape: VersionShape; path: string; tenant: string }) {
  const t = useTexts();
  const [isAsking, setAsking] = useState(false);
  const approve = useMutation({
    mutationFn: () => call(`${path}/${shape.shape}/approve`, { method: "POST" }),
    onSuccess: () => setAsking(false),
    onSettled: () => refresh(tenant),
  });
  return (
    <>
      <Shape shape={shape} />
      <Button onClick={() => setAsking(true)}>{t.shapes.approve}</Button>
      {isAsking && (
        <Dialog
          title={t.shapes.approveTitle}
          onClose={() => setAsking(false)}
          actions={<Button look="primary" working={approve.isPending} onClick={() => approve.mutate()}>{t.shapes.approve}</Button>}
        >
          <p>{t.shapes.approveHelp}</p>
          <Shape shape={shape} />
          {approve.isError && <Failed error={approve.error} />}
        </Dialog>
      )}
    </>
  );
}
