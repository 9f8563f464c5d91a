// The settings and the authentication of an ingress. Shows only what matters for the platform.

import { useId, useState, type ReactNode } from "react";
import { Plus, X } from "lucide-react";
import { ingressTextValues, messagesWithoutCodeValues, usageValues, type IngressKind, type Usage } from "../../api/types";
import { Button } from "../../components/button";
import { useCountries } from "../../components/countries";
import { Field } from "../../components/field";
import { Card, Facts } from "../../components/layout";
import { Notice } from "../../components/notice";
import { useFormat, useTexts } from "../../text";
import { wordProblem, type Draft, type WordRow } from "./draft";
import { fieldNames, platforms } from "./platforms";
import type { IngressErrors } from "./sentence";

interface FormProps {
  kind: IngressKind;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  errors: IngressErrors;
}

export function SettingsCard({ kind, draft, onChange, errors }: FormProps) {
  const t = useTexts();
  const format = useFormat();
  const countries = useCountries();
  const facts = platforms[kind];
  return (
    <Card title={t.ingressForm.settings}>
      <div className="fields">
        {facts.nationalNumbers && (
          <Field label={t.ingressForm.region} help={t.ingressForm.regionHelp} error={errors.at("/settings/defaultRegion")}>
            {(ids) => (
              <select {...ids} value={draft.region} onChange={(event) => onChange({ region: event.target.value })}>
                <option value="">{t.ingressForm.noRegion}</option>
                {countries.map(({ code, name }) => <option key={code} value={code}>{name}</option>)}
              </select>
            )}
          </Field>
        )}
        {facts.text && (
          <Choice
            legend={t.ingressForm.text}
            values={ingressTextValues}
            names={t.ingressTexts}
            value={draft.text || facts.text}
            onChange={(text) => onChange({ text })}
          />
        )}
        {facts.withoutCode && (
          <Choice
            legend={t.ingressForm.withoutCode}
            help={t.ingressForm.withoutCodeHelp}
            values={messagesWithoutCodeValues}
            names={t.messagesWithoutCode}
            value={draft.withoutCode}
            onChange={(withoutCode) => onChange({ withoutCode })}
          />
        )}
        <Field label={facts.words ? t.ingressForm.usageUnknown : t.ingressForm.usage} help={t.ingressForm.usageHelp}>
          {(ids) => (
            <select {...ids} value={draft.usage} onChange={(event) => onChange({ usage: event.target.value as Usage | "" })}>
              <option value="">{t.ingressForm.usageDefault(t.usages[facts.usage])}</option>
              {usageValues.map((one) => <option key={one} value={one}>{t.usages[one]}</option>)}
            </select>
          )}
        </Field>
        {facts.fields && <FieldNames kind={kind} draft={draft} onChange={onChange} errors={errors} />}
        <Section
          summary={t.ingressForm.more}
          isOpen={draft.words.length > 0 || draft.wait !== "" || draft.repeat !== ""}
          hasError={["usages", "waitMs", "repeatSeconds"].some((name) => errors.at(`/settings/${name}`) !== undefined)}
        >
          <div className="fields">
            {facts.words && <Words words={draft.words} onChange={(words) => onChange({ words })} error={errors.at("/settings/usages")} />}
            <NumberField
              label={t.ingressForm.wait}
              help={t.ingressForm.waitHelp(format.number(facts.waitMs))}
              value={draft.wait}
              error={errors.at("/settings/waitMs")}
              onChange={(wait) => onChange({ wait })}
            />
            {facts.repeats && (
              <NumberField
                label={t.ingressForm.repeat}
                help={t.ingressForm.repeatHelp}
                value={draft.repeat}
                error={errors.at("/settings/repeatSeconds")}
                onChange={(repeat) => onChange({ repeat })}
              />
            )}
          </div>
        </Section>
      </div>
    </Card>
  );
}

interface SectionProps {
  summary: string;
  /** Whether it is open at first. */
  isOpen: boolean;
  /** An error is never hidden. */
  hasError: boolean;
  children: ReactNode;
}

function Section({ summary, isOpen, hasError, children }: SectionProps) {
  const [open, setOpen] = useState(isOpen);
  return (
    <details open={open || hasError} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  help?: string;
  values: readonly T[];
  names: Record<T, string>;
  value: T;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ legend, help, values, names, value, onChange }: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset className="choices" aria-describedby={help && id}>
      <legend>{legend}</legend>
      {help && <p className="help" id={id}>{help}</p>}
      {values.map((one) => (
        <label key={one} className="choice">
          <input type="radio" name={`${id}-choice`} checked={value === one} onChange={() => onChange(one)} />
          <span>{names[one]}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface NumberFieldProps {
  label: string;
  help: string;
  error: ReactNode;
  value: string;
  onChange: (value: string) => void;
}

/** A whole number, or nothing for the default. */
function NumberField({ label, help, error, value, onChange }: NumberFieldProps) {
  const t = useTexts();
  return (
    <Field label={`${label} (${t.common.optional})`} help={help} error={error}>
      {(ids) => (
        <input {...ids} inputMode="numeric" maxLength={9} value={value} onChange={(event) => onChange(event.target.value.replace(/[^0-9]/g, ""))} />
      )}
    </Field>
  );
}

function Words({ words, onChange, error }: { words: WordRow[]; onChange: (words: WordRow[]) => void; error: ReactNode }) {
  const t = useTexts();
  const set = (index: number, part: Partial<WordRow>) => onChange(words.map((row, at) => (at === index ? { ...row, ...part } : row)));
  return (
    <fieldset className="choices">
      <legend>{t.ingressForm.words}</legend>
      <p className="help">{t.ingressForm.wordsHelp}</p>
      {words.length > 0 && (
        <ul className="by-country">
          {words.map(({ word, usage }, index) => {
            const problem = wordProblem(words, index);
            return (
              <li key={index} className={problem === "wordTwice" ? "wrong" : undefined}>
                <input
                  aria-label={t.ingressForm.word}
                  aria-invalid={problem === "wordTwice" || undefined}
                  value={word}
                  maxLength={100}
                  placeholder="sms_login"
                  onChange={(event) => set(index, { word: event.target.value })}
                />
                <select aria-label={`${t.ingressForm.wordUsage}: ${word}`} value={usage} onChange={(event) => set(index, { usage: event.target.value as Usage })}>
                  {usageValues.map((one) => <option key={one} value={one}>{t.usages[one]}</option>)}
                </select>
                <button type="button" className="icon-button" aria-label={`${t.common.remove}: ${word}`} onClick={() => onChange(words.filter((_, at) => at !== index))}>
                  <X size={16} aria-hidden="true" />
                </button>
                {problem === "wordTwice" && <p className="error" role="alert">{t.ingressForm.wordTwice}</p>}
              </li>
            );
          })}
        </ul>
      )}
      {error && <p className="error" role="alert">{error}</p>}
      <div className="row">
        <Button icon={<Plus size={16} aria-hidden="true" />} onClick={() => onChange([...words, { word: "", usage: "generic" }])}>
          {t.ingressForm.addWord}
        </Button>
      </div>
    </fieldset>
  );
}

function FieldNames({ kind, draft, onChange, errors }: FormProps) {
  const t = useTexts();
  const defaults = platforms[kind].fields;
  const hasNames = Object.values(draft.fields).some(Boolean);
  return (
    <Section summary={t.ingressForm.fields} isOpen={hasNames} hasError={errors.at("/settings/fields") !== undefined}>
      <p className="help">{t.ingressForm.fieldsHelp}</p>
      <div className="fields pairs names">
        {fieldNames.map((name) => {
          const known = defaults?.[name] ?? [];
          return (
            <Field
              key={name}
              label={t.ingressForm.field[name]}
              help={known.length > 0 ? t.ingressForm.fieldDefault(known.join(", ")) : t.ingressForm.codeInText}
              error={errors.at(`/settings/fields/${name}`)}
            >
              {(ids) => (
                <input
                  {...ids}
                  value={draft.fields[name]}
                  placeholder={known[0]}
                  autoCapitalize="off"
                  spellCheck={false}
                  onChange={(event) => onChange({ fields: { ...draft.fields, [name]: event.target.value } })}
                />
              )}
            </Field>
          );
        })}
      </div>
    </Section>
  );
}

/** Whether there is anything to choose. */
export const hasMethods = (kind: IngressKind): boolean => platforms[kind].methods.length > 1;

interface AuthenticationProps extends FormProps {
  title: string;
  help: string;
  /** What follows the method: a field for the secret. */
  children?: ReactNode;
}

export function AuthenticationCard({ kind, draft, onChange, errors, title, help, children }: AuthenticationProps) {
  const t = useTexts();
  return (
    <Card title={title} help={help}>
      <div className="fields">
        {hasMethods(kind) ? (
          <Field label={t.ingressForm.method} error={errors.at("/authentication/type")}>
            {(ids) => (
              <select {...ids} value={draft.method} onChange={(event) => onChange({ method: event.target.value as Draft["method"] })}>
                {platforms[kind].methods.map((one) => <option key={one} value={one}>{t.ingressMethods[one]}</option>)}
              </select>
            )}
          </Field>
        ) : (
          <Facts facts={[[t.ingressForm.method, t.ingressMethods[draft.method]]]} />
        )}
        {draft.method === "none" && <Notice tone="warn">{t.ingressForm.none}</Notice>}
        {draft.method === "authgear-signature" && <p className="help">{t.ingressForm.replayable}</p>}
        {draft.method === "header" && (
          <Field label={t.ingressForm.header} error={errors.at("/authentication/header")}>
            {(ids) => <input {...ids} value={draft.header} maxLength={64} spellCheck={false} onChange={(event) => onChange({ header: event.target.value })} />}
          </Field>
        )}
        {draft.method === "basic" && kind !== "twilio" && (
          <Field label={`${t.ingressForm.username} (${t.common.optional})`} help={t.ingressForm.usernameHelp} error={errors.at("/authentication/username")}>
            {(ids) => (
              <input {...ids} value={draft.username} maxLength={64} autoComplete="off" spellCheck={false} onChange={(event) => onChange({ username: event.target.value })} />
            )}
          </Field>
        )}
        {draft.method === "jwt-hs256" && (
          <Field label={`${t.ingressForm.audience} (${t.common.optional})`} help={t.ingressForm.audienceHelp} error={errors.at("/authentication/audience")}>
            {(ids) => <input {...ids} value={draft.audience} maxLength={200} spellCheck={false} onChange={(event) => onChange({ audience: event.target.value })} />}
          </Field>
        )}
        {children}
      </div>
    </Card>
  );
}
