// The request shapes of a version, line by line. Held requests come first, with their differences and their approval.

import { useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { apiPath, call, connectorPath } from "../../api/client";
import { refresh } from "../../api/queries";
import type { RequestShape } from "../../api/types";
import { Badge } from "../../components/badge";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { ShapeLineDiff, ShapeLines } from "../../components/shape-line";
import { useFormat, useTexts } from "../../text";
import { actorName } from "../../text/actors";

interface RequestShapesProps {
  tenant: string;
  id: string;
  digest: string;
  /** The digest of the active version, with which the shapes are compared. */
  active: string;
}

export function RequestShapes({ tenant, id, digest, active }: RequestShapesProps) {
  const t = useTexts();
  const path = `versions/${encodeURIComponent(digest)}/shapes`;
  const query = useQuery({
    queryKey: ["tenant", tenant, "shapes", id, digest, active],
    queryFn: ({ signal }) => call<RequestShape[]>(apiPath(tenant, connectorPath(id, path)), { signal }),
  });
  return (
    <Loaded query={query}>
      {(all) => {
        const held = all.filter((shape) => shape.origin === "held");
        return (
          <>
            {held.length > 0 && (
              <Notice tone="warn" title={t.requestShapes.heldTitle}>
                <p>{t.requestShapes.heldHelp}</p>
                {held.map((shape) => <HeldShape key={shape.id} shape={shape} path={apiPath(tenant, connectorPath(id, path))} tenant={tenant} />)}
              </Notice>
            )}
            <details>
              <summary>{t.requestShapes.title}</summary>
              <p className="help">{all.length === 0 ? t.requestShapes.none : t.requestShapes.help}</p>
              {all.filter((shape) => shape.origin !== "held").map((shape) => <ShapeDetails key={shape.id} shape={shape} />)}
            </details>
          </>
        );
      }}
    </Loaded>
  );
}

function ShapeDetails({ shape }: { shape: RequestShape }) {
  const t = useTexts();
  const format = useFormat();
  const added = new Set(shape.changes.filter((change) => change.added).map((change) => change.line));
  const by = shape.approvedBy && actorName(shape.approvedBy, t);
  return (
    <section className="shape">
      <p>
        <Badge tone={shape.origin === "held" ? "bad" : "neutral"}>{t.requestShapes.origin[shape.origin]}</Badge>{" "}
        {added.size > 0 && shape.origin !== "held" && <Badge tone="warn">{t.requestShapes.isNew}</Badge>}{" "}
        <span className="fine">
          {by && `${t.requestShapes.by(by)} · `}
          {shape.requests > 0 && `${t.requestShapes.requests(shape.requests)} · `}
          {format.ago(shape.lastSeenAt)}
        </span>
      </p>
      <ShapeLines label={t.requestShapes.lines}>
        {shape.changes.filter((change) => !change.added).map((change) => <ShapeLineDiff key={`-${change.line}`} change={change} />)}
        {shape.lines.map((line, index) => <ShapeLineDiff key={`${index}${line}`} change={{ added: added.has(line), line }} isSame={!added.has(line)} />)}
      </ShapeLines>
    </section>
  );
}

function HeldShape({ shape, path, tenant }: { shape: RequestShape; path: string; tenant: string }) {
  const t = useTexts();
  const [confirming, setConfirming] = useState(false);
  const approve = useMutation({
    mutationFn: () => call(`${path}/${shape.id}/approve`, { method: "POST" }),
    onSuccess: () => setConfirming(false),
    onSettled: () => refresh(tenant),
  });
  return (
    <>
      <ShapeDetails shape={shape} />
      <Button onClick={() => setConfirming(true)}>{t.requestShapes.approve}</Button>
      {confirming && (
        <Dialog
          title={t.requestShapes.approveTitle}
          onClose={() => setConfirming(false)}
          actions={<Button variant="primary" busy={approve.isPending} onClick={() => approve.mutate()}>{t.requestShapes.approve}</Button>}
        >
          <p>{t.requestShapes.approveHelp}</p>
          <ShapeDetails shape={shape} />
          {approve.isError && <ErrorNotice error={approve.error} />}
        </Dialog>
      )}
    </>
  );
}
