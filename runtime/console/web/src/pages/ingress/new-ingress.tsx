// Creates an ingress for a platform. The defaults suffice: the address and the steps follow on the page of the ingress.

import { useEffect, useRef, useState, type ReactNode } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { Link, useNavigate, useParams } from "react-router";
import { apiPath, basePath, call, ingressPath } from "../../api/client";
import { client, ingressesQuery, ingressQuery, refresh } from "../../api/queries";
import { ingressKindValues, type Ingress, type IngressKind } from "../../api/types";
import { Button } from "../../components/button";
import { Field } from "../../components/field";
import { Card, PageHeader } from "../../components/layout";
import { ErrorNotice, Loaded } from "../../components/loaded";
import { Logo } from "../../components/logo";
import { Empty } from "../../components/notice";
import { useTexts } from "../../text";
import { authenticationOf, newDraft, settingsOf, wordProblem, type Draft } from "./draft";
import { AuthenticationCard, SettingsCard } from "./form";
import { platforms } from "./platforms";
import { useIngressErrors } from "./sentence";

export default function NewIngress() {
  const t = useTexts();
  const { tenant = "", kind = "" } = useParams();
  const ingresses = useQuery({ ...ingressesQuery(tenant), refetchOnWindowFocus: false });
  const known = ingressKindValues.find((one) => one === kind);
  if (!known) {
    return (
      <>
        <PageHeader title={t.newIngress.unknown} />
        <Empty title={<Link to={`${basePath(tenant)}/platforms`}>{t.newIngress.choose}</Link>} />
      </>
    );
  }
  return <Loaded query={ingresses}>{(all) => <Form key={known} tenant={tenant} kind={known} names={all.map((one) => one.name)} />}</Loaded>;
}

/** The server has no page for an address with another name. */
const NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** The platform, with a number if there is such an ingress already. */
function freeName(kind: IngressKind, names: string[]): string {
  const candidates = [kind, ...Array.from({ length: 98 }, (_, n) => `${kind}-${n + 2}`)];
  return candidates.find((name) => !names.includes(name)) ?? kind;
}

function Form({ tenant, kind, names }: { tenant: string; kind: IngressKind; names: string[] }) {
  const t = useTexts();
  const navigate = useNavigate();
  // As they were when the page was opened: the one that is created here joins them.
  const [taken] = useState(names);
  const [name, setName] = useState(() => freeName(kind, names));
  const [draft, setDraft] = useState<Draft>(() => newDraft(kind));
  const [secret, setSecret] = useState("");
  const platform = t.ingressKinds[kind];
  const nameProblem = taken.includes(name) ? t.newIngress.taken : name && !NAME.test(name) ? t.newIngress.nameInvalid : undefined;
  const create = useMutation({
    mutationFn: () =>
      call<Ingress>(apiPath(tenant, ingressPath(name)), {
        method: "PUT",
        body: { kind, authentication: authenticationOf(draft, secret ? [secret] : undefined), settings: settingsOf(draft, kind) },
      }),
    onSuccess: async (ingress) => {
      client.setQueryData(ingressQuery(tenant, ingress.name).queryKey, ingress);
      void refresh(tenant);
      await navigate(`${basePath(tenant)}/ingresses/${ingress.name}`, { state: { success: t.newIngress.created } });
    },
  });
  const errors = useIngressErrors(create.error);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (create.error) form.current?.querySelector<HTMLElement>("[aria-invalid=true], .refused")?.focus();
  }, [create.error]);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const hasWordProblem = draft.words.some((_, index) => wordProblem(draft.words, index) !== undefined);
  return (
    <form
      ref={form}
      className="ingress-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (name && !nameProblem && !hasWordProblem) create.mutate();
      }}
    >
      <PageHeader
        title={<span className="titled"><Logo svg={null} name={platform} />{t.newIngress.setUp(platform)}</span>}
        lead={t.newIngress.lead}
      />
      <Card>
        <Field label={t.newIngress.name} help={t.newIngress.nameHelp} error={nameProblem ?? errors.at("name")}>
          {(ids) => (
            <input {...ids} value={name} maxLength={40} autoCapitalize="off" autoComplete="off" spellCheck={false} onChange={(event) => setName(event.target.value)} />
          )}
        </Field>
      </Card>
      <AuthenticationCard
        kind={kind}
        draft={draft}
        onChange={change}
        errors={errors}
        title={t.ingressForm.authentication}
        help={t.ingressForm.authenticationHelp}
      >
        {draft.method !== "none" && <NewSecret kind={kind} method={draft.method} value={secret} onChange={setSecret} error={errors.at("/authentication/secrets")} />}
      </AuthenticationCard>
      <SettingsCard kind={kind} draft={draft} onChange={change} errors={errors} />
      {create.isError && !errors.isComplete && <div className="refused" tabIndex={-1}><ErrorNotice error={create.error} /></div>}
      <div className="save-bar" role="group" aria-label={t.newIngress.create}>
        <p className={errors.count > 0 ? "error grow" : "grow"} role="status">{errors.count > 0 && t.ingressPage.errors(errors.count)}</p>
        <Link className="button quiet" to={`${basePath(tenant)}/platforms`}>{t.newIngress.all}</Link>
        <Button
          type="submit"
          variant="primary"
          busy={create.isPending}
          disabled={!name || nameProblem !== undefined || hasWordProblem}
          icon={<Plus size={16} aria-hidden="true" />}
        >
          {t.newIngress.create}
        </Button>
      </div>
    </form>
  );
}

interface NewSecretProps {
  kind: IngressKind;
  method: Draft["method"];
  value: string;
  onChange: (secret: string) => void;
  error: ReactNode;
}

/** The secret that the platform generates, or one that the user would like to use instead of a generated one. */
function NewSecret({ kind, method, value, onChange, error }: NewSecretProps) {
  const t = useTexts();
  const [own, setOwn] = useState(false);
  const { makesSecret } = platforms[kind];
  const forms = method === "standard-webhooks" ? t.ingressForm.webhookSecretForms : t.ingressForm.secretForms;
  return (
    <>
      {!makesSecret && <p className="help">{t.ingressForm.secretGenerated}</p>}
      {!makesSecret && (
        <label className="choice inline">
          <input
            type="checkbox"
            checked={own}
            onChange={(event) => {
              setOwn(event.target.checked);
              onChange("");
            }}
          />
          <span>{t.ingressForm.ownSecret}</span>
        </label>
      )}
      {(makesSecret || own) && (
        <Field
          label={makesSecret ? `${t.ingressForm.secret} (${t.common.optional})` : t.ingressForm.secret}
          help={makesSecret ? t.ingressForm.secretOfPlatform(t.ingressKinds[kind]) : forms}
          error={error}
        >
          {(ids) => <input {...ids} type="password" autoComplete="new-password" value={value} maxLength={512} onChange={(event) => onChange(event.target.value)} />}
        </Field>
      )}
    </>
  );
}
