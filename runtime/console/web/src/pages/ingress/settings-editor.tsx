// Changes the settings of an ingress, and how its calls are authenticated.

import { useEffect, useMemo, useRef, useState } from "react";
import { useMutation } from "@tanstack/react-query";
import { Save } from "lucide-react";
import { apiPath, call, ingressPath } from "../../api/client";
import type { Ingress } from "../../api/types";
import { Button } from "../../components/button";
import { ErrorNotice } from "../../components/loaded";
import { useUnsavedChanges } from "../../components/unsaved-changes";
import { useTexts } from "../../text";
import { authenticationOf, draftOf, settingsOf, wordProblem, type Draft } from "./draft";
import { AuthenticationCard, hasMethods, SettingsCard } from "./form";
import { useIngressErrors } from "./sentence";

interface EditorProps {
  tenant: string;
  saved: Ingress;
  onSaved: (ingress: Ingress) => void;
}

export function SettingsEditor({ tenant, saved, onSaved }: EditorProps) {
  const t = useTexts();
  const { kind, enabled } = saved;
  const [draft, setDraft] = useState<Draft>();
  const original = useMemo(() => draftOf(saved), [saved]);
  const shown = draft ?? original;
  const dirty = draft !== undefined && JSON.stringify(draft) !== JSON.stringify(original);
  const unsaved = useUnsavedChanges(dirty);
  const save = useMutation({
    mutationFn: () =>
      call<Ingress>(apiPath(tenant, ingressPath(saved.name)), {
        method: "PUT",
        body: { kind, enabled, authentication: authenticationOf(shown), settings: settingsOf(shown, kind) },
      }),
    onSuccess: (next) => {
      setDraft(undefined);
      onSaved(next);
    },
  });
  const errors = useIngressErrors(save.error);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (save.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true], .refused")?.focus();
  }, [save.error]);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...(before ?? original), ...part }));
  const hasWordProblem = shown.words.some((_, index) => wordProblem(shown.words, index) !== undefined);
  const status = errors.count > 0 ? t.ingressPage.errors(errors.count) : dirty ? t.common.unsaved : save.isSuccess ? t.ingressForm.saved : "";
  return (
    <form
      ref={form}
      className="ingress-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (dirty && !hasWordProblem) save.mutate();
      }}
    >
      <SettingsCard kind={kind} draft={shown} onChange={change} errors={errors} />
      {hasMethods(kind) && (
        <AuthenticationCard
          kind={kind}
          draft={shown}
          onChange={change}
          errors={errors}
          title={t.ingressForm.changeMethod}
          help={t.ingressForm.changeMethodHelp}
        />
      )}
      {save.isError && !errors.isComplete && <div className="refused" tabIndex={-1}><ErrorNotice error={save.error} /></div>}
      <div className={dirty ? "save-bar" : "save-bar resting"} role="group" aria-label={t.common.save}>
        <p className={errors.count > 0 ? "error grow" : "fine grow"} role="status">{status}</p>
        <Button
          variant="quiet"
          disabled={!dirty}
          onClick={() => {
            setDraft(undefined);
            save.reset();
          }}
        >
          {t.common.discard}
        </Button>
        <Button type="submit" variant="primary" disabled={!dirty || hasWordProblem} busy={save.isPending} icon={<Save size={16} aria-hidden="true" />}>
          {t.common.save}
        </Button>
      </div>
      {unsaved.dialog}
    </form>
  );
}
