// The templates of a connection, edited as fields by usage and language, or as JSON.

import { useEffect, useMemo, useState } from "react";
import { Plus, Trash2 } from "lucide-react";
import { usageValues, type ConnectorDetail, type JsonObject, type Template, type Usage } from "../api/types";
import { Button } from "../components/button";
import { Field } from "../components/field";
import { Notice } from "../components/notice";
import { useFormat, useTexts } from "../text";
import { JsonEditor } from "./json-editor";
import { JsonInput } from "./json-input";
import { REQUIRED_USAGES } from "./template-list";

interface TemplatesProps {
  connector: ConnectorDetail;
  value: Template[];
  onChange: (value: Template[]) => void;
  /** By JSON pointer below the list: `/0/content`. */
  errors: Record<string, string[]>;
  /** The template that is being edited, for the preview. */
  onSelect: (template: Template | undefined) => void;
}

export function TemplatesForm({ connector, value, onChange, errors, onSelect }: TemplatesProps) {
  const t = useTexts();
  const [view, setView] = useState<"fields" | "json">("fields");
  const [text, setText] = useState("");
  const [invalid, setInvalid] = useState(false);
  const change = (next: "fields" | "json") => {
    if (next === "json") setText(JSON.stringify(value, null, 2));
    setInvalid(false);
    setView(next);
  };
  const whole = errors[""] ?? [];
  return (
    <>
      <div className="segmented" role="radiogroup" aria-label={t.templates.view}>
        {(["fields", "json"] as const).map((one) => (
          <label key={one}>
            <input type="radio" name="templates-view" checked={view === one} onChange={() => change(one)} />
            <span>{t.templates[one]}</span>
          </label>
        ))}
      </div>
      {whole.map((error) => <p className="error" key={error}>{error}</p>)}
      {view === "json" ? (
        <>
          {invalid && <Notice tone="warn">{t.templates.jsonInvalid}</Notice>}
          <JsonEditor
            label={t.templates.jsonLabel}
            text={text}
            onChange={(next) => {
              setText(next);
              const list = read(next);
              setInvalid(list === undefined);
              if (list) onChange(list);
            }}
          />
        </>
      ) : (
        <Fields connector={connector} value={value} onChange={onChange} errors={errors} onSelect={onSelect} />
      )}
    </>
  );
}

function read(text: string): Template[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as Template[]) : undefined;
  } catch {
    return undefined;
  }
}

function Fields({ connector, value, onChange, errors, onSelect }: TemplatesProps) {
  const t = useTexts();
  const format = useFormat();
  const [locale, setLocale] = useState("");
  const [adding, setAdding] = useState("");
  const locales = useMemo(
    () => [...new Set(["", ...value.map((one) => one.locale ?? "")])].sort((a, b) => a.localeCompare(b)),
    [value],
  );
  const wrong = useMemo(() => {
    const indices = Object.keys(errors).map((pointer) => Number(pointer.split("/")[1])).filter(Number.isInteger);
    return indices.map((index) => value[index]?.locale ?? "");
  }, [errors, value]);
  useEffect(() => {
    if (wrong.length > 0 && !wrong.includes(locale)) setLocale(wrong[0] ?? "");
    // Only when there are new errors.
    // eslint-disable-next-line
  }, [errors]);
  useEffect(() => {
    if (!locales.includes(locale)) setLocale("");
  }, [locales, locale]);
  const named = (tag: string) => (tag ? `${format.language(tag)} (${tag})` : t.templates.all);
  const isText = connector.content === "text";
  const shown = value.map((template, index) => ({ template, index })).filter(({ template }) => (template.locale ?? "") === locale);
  const sorted = [...shown].sort((a, b) => usageValues.indexOf(a.template.usage) - usageValues.indexOf(b.template.usage));
  const missing = usageValues.filter((usage) => !shown.some(({ template }) => template.usage === usage));
  const set = (index: number, template: Template) => onChange(value.map((one, position) => (position === index ? template : one)));
  const add = (usage: Usage, tag: string) => {
    const started = connector.defaultTemplates.find((one) => one.usage === usage && (one.locale ?? "") === tag);
    const fresh: Template = { usage, ...(tag && { locale: tag }) };
    if (isText) fresh.content = started?.content ?? "{{code}}";
    else fresh.template = "";
    onChange([...value, fresh]);
  };
  return (
    <>
      <div className="row template-languages">
        <Field label={t.templates.languages}>
          {(ids) => (
            <select {...ids} value={locale} onChange={(event) => setLocale(event.target.value)}>
              {locales.map((tag) => (
                <option key={tag} value={tag}>{named(tag)}{wrong.includes(tag) ? " ⚠" : ""}</option>
              ))}
            </select>
          )}
        </Field>
        <form
          className="row add-language"
          onSubmit={(event) => {
            event.preventDefault();
            const tag = adding.trim();
            if (!tag) return;
            if (!locales.includes(tag)) add("generic", tag);
            setLocale(tag);
            setAdding("");
          }}
        >
          <Field label={t.templates.addLocale}>
            {(ids) => (
              <input {...ids} value={adding} placeholder="pt-BR" maxLength={35} onChange={(event) => setAdding(event.target.value)} />
            )}
          </Field>
          <Button type="submit" icon={<Plus size={16} aria-hidden="true" />}>{t.common.add}</Button>
        </form>
      </div>
      {value.length === 0 && connector.defaultTemplates.length > 0 && (
        <Notice tone="info" actions={<Button onClick={() => onChange(connector.defaultTemplates)}>{t.templates.useDefaults}</Button>}>
          {t.templates.empty}
        </Notice>
      )}
      <div className="fields">
        {sorted.map(({ template, index }) => {
          const usage = t.usages[template.usage] ?? template.usage;
          const problems = Object.entries(errors).filter(([pointer]) => pointer.split("/")[1] === String(index)).flatMap(([, all]) => all);
          const mandatory = REQUIRED_USAGES.includes(template.usage) && !locale;
          return (
            <div key={`${template.usage} ${index}`} className="template">
              <Field
                label={<>{usage} {mandatory && <span className="fine">({t.templates.mandatory})</span>}</>}
                error={problems.length > 0 ? problems.join(" ") : undefined}
              >
                {(ids) =>
                  isText ? (
                    <textarea
                      {...ids}
                      rows={2}
                      value={template.content ?? ""}
                      onFocus={() => onSelect(template)}
                      onChange={(event) => {
                        const next = { ...template, content: event.target.value };
                        set(index, next);
                        onSelect(next);
                      }}
                    />
                  ) : (
                    <TemplateId ids={ids} schema={connector.templateSchema} value={template.template} onChange={(next) => set(index, { ...template, template: next })} />
                  )
                }
              </Field>
              {!mandatory && (
                <button
                  type="button"
                  className="icon-button"
                  aria-label={t.templates.remove(usage, named(locale))}
                  onClick={() => onChange(value.filter((_, position) => position !== index))}
                >
                  <Trash2 size={16} aria-hidden="true" />
                </button>
              )}
            </div>
          );
        })}
      </div>
      {missing.length > 0 && (
        <p className="row add-usages">
          <span className="fine">{t.templates.addUsage}</span>
          {missing.map((usage) => (
            <Button key={usage} variant="quiet" icon={<Plus size={14} aria-hidden="true" />} onClick={() => add(usage, locale)}>
              {t.usages[usage]}
            </Button>
          ))}
        </p>
      )}
    </>
  );
}

interface TemplateIdProps {
  ids: { id: string };
  schema: JsonObject | null | undefined;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** A member of a template that is an object: an id, or JSON. */
interface TemplateMember {
  title?: string;
  type?: string;
  $ref?: string;
  examples?: unknown[];
}

/** A template at the provider: an id, or an object with ids, as the connector's schema defines. */
function TemplateId({ ids, schema, value, onChange }: TemplateIdProps) {
  const options = ((schema?.["oneOf"] as JsonObject[] | undefined) ?? []).filter((one) => one["properties"]);
  const membersOf = (option: JsonObject | undefined) =>
    Object.entries((option?.["properties"] ?? {}) as Record<string, TemplateMember>).map(
      ([name, member]) => [name, resolved(schema, member)] as const,
    );
  const object = typeof value === "object" && value !== null ? (value as JsonObject) : undefined;
  const chosen = object ? options.findIndex((one) => Object.keys(object).every((name) => membersOf(one).some(([known]) => known === name))) : -1;
  const fresh = (option: JsonObject) =>
    Object.fromEntries(membersOf(option).filter(([, about]) => about.type === "string").map(([name]) => [name, ""]));
  return (
    <div className="template-id">
      {options.length > 0 && (
        <select
          aria-label={String(schema?.["title"] ?? "")}
          value={chosen}
          onChange={(event) => {
            const option = options[Number(event.target.value)];
            onChange(option ? fresh(option) : "");
          }}
        >
          <option value={-1}>{String((schema?.["oneOf"] as JsonObject[])[0]?.["title"] ?? "")}</option>
          {options.map((option, index) => <option key={index} value={index}>{String(option["title"] ?? "")}</option>)}
        </select>
      )}
      {object ? (
        membersOf(options[chosen]).map(([name, about], index) => (
          <label key={name} className="template-case">
            <span>{about.title ?? name}</span>
            {about.type === "string" ? (
              <input
                id={index === 0 ? ids.id : undefined}
                value={String(object[name] ?? "")}
                onChange={(event) => onChange({ ...object, [name]: event.target.value })}
              />
            ) : (
              <JsonInput
                value={object[name]}
                placeholder={about.examples && JSON.stringify(about.examples[0])}
                onChange={(next) => onChange({ ...object, [name]: next })}
              />
            )}
          </label>
        ))
      ) : (
        <input {...ids} value={String(value ?? "")} onChange={(event) => onChange(event.target.value)} />
      )}
    </div>
  );
}

/** The member's own schema, or the one that it refers to. */
function resolved(schema: JsonObject | null | undefined, member: TemplateMember): TemplateMember {
  const definitions = schema?.["$defs"] as Record<string, TemplateMember> | undefined;
  return definitions?.[member.$ref?.replace("#/$defs/", "") ?? ""] ?? member;
}
