// Uploads a component: progress of the upload, of the server's checks, and the reason if it is rejected.

import { useEffect, useState } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Upload } from "lucide-react";
import { useNavigate } from "react-router";
import { ALL_TENANTS, apiPath, basePath, call, upload } from "../../api/client";
import { refresh } from "../../api/queries";
import type { ConnectorVersion } from "../../api/types";
import { Button } from "../../components/button";
import { Dialog } from "../../components/dialog";
import { Field } from "../../components/field";
import { ErrorNotice } from "../../components/loaded";
import { Notice } from "../../components/notice";
import { ExplainedText } from "../../components/server-text";
import { useTexts } from "../../text";

export function UploadDialog({ tenant, onClose }: { tenant: string; onClose: () => void }) {
  const t = useTexts();
  const navigate = useNavigate();
  const [file, setFile] = useState<File>();
  const [share, setShare] = useState(0);
  const send = useMutation({
    mutationFn: (chosen: File) => upload<ConnectorVersion>(apiPath(tenant, "connectors"), chosen, setShare),
  });
  const received = send.data;
  const version = useQuery({
    queryKey: ["tenant", tenant, "upload", received?.digest],
    queryFn: ({ signal }) =>
      call<ConnectorVersion>(apiPath(tenant, `connector-uploads/${encodeURIComponent(received?.digest ?? "")}`), { signal }),
    enabled: received !== undefined,
    gcTime: 0,
    refetchInterval: (query) => (query.state.error || (query.state.data ?? received)?.state !== "checking" ? false : 500),
  });
  const now = version.data ?? received;
  const ready = now?.state === "ready";
  useEffect(() => {
    if (!ready || !now) return;
    void refresh(tenant);
    void navigate(`${basePath(tenant)}/connectors/${now.connector}/versions`);
    onClose();
  }, [ready, now, tenant, navigate, onClose]);
  return (
    <Dialog
      title={t.versions.uploadTitle}
      onClose={onClose}
      actions={
        <Button
          variant="primary"
          disabled={!file || now !== undefined}
          busy={send.isPending}
          icon={<Upload size={16} aria-hidden="true" />}
          onClick={() => file && send.mutate(file)}
        >
          {t.versions.upload}
        </Button>
      }
    >
      <p>{t.versions.uploadHelp}</p>
      {tenant === ALL_TENANTS && <Notice tone="info">{t.versions.forAll}</Notice>}
      <Field label={t.versions.file}>
        {(ids) => (
          <input
            {...ids}
            type="file"
            accept=".wasm,application/wasm"
            onChange={(event) => {
              setFile(event.target.files?.[0]);
              send.reset();
              setShare(0);
            }}
          />
        )}
      </Field>
      {send.isPending && <Progress text={t.versions.uploading(Math.round(share * 100))} value={share} />}
      {now?.state === "checking" && <CheckProgress progress={now.progress} />}
      {now?.state === "refused" && (
        <Notice tone="bad" title={t.versions.refused} announce>
          <ExplainedText sentence={t.versions.refusedHelp} text={now.refusal ?? ""} />
        </Notice>
      )}
      {send.isError && <ErrorNotice error={send.error} />}
      {version.isError && <ErrorNotice error={version.error} onRetry={() => void version.refetch()} />}
    </Dialog>
  );
}

/** How far the server's checks of an upload have come. */
export function CheckProgress({ progress }: { progress: ConnectorVersion["progress"] }) {
  const t = useTexts();
  const { step, steps, activity } = progress ?? { step: 0, steps: 1, activity: "" };
  return (
    <Progress
      text={progress ? t.versions.processing(step, steps, t.versions.activity[activity] ?? activity) : t.versions.state.checking}
      value={progress ? step / steps : undefined}
    />
  );
}

function Progress({ text, value }: { text: string; value?: number }) {
  return (
    <div className="progress" role="status">
      <p>{text}</p>
      <progress max={1} value={value} aria-label={text} />
    </div>
  );
}
