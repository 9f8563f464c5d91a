// The form of a connector's parameters: made from its schema, with secrets that are written and never read.

import { useMemo } from "react";
import Form from "@rjsf/core";
import type { FieldTemplateProps, ObjectFieldTemplateProps, RegistryWidgetsType, WidgetProps } from "@rjsf/utils";
import type { Members } from "../api/types";
import { Button } from "../parts/basics";
import { useFormat, useTexts } from "../text";
import { presentable, presentation } from "./schema";
import { validator } from "./validator";

/** What the parts of the form need beside their own value. */
interface Surroundings {
  /** By id of the field. */
  errors: Record<string, string[]>;
  /** Secrets that are set, and since when. */
  secrets: Record<string, string>;
}

interface ParametersProps {
  schema: Members;
  value: Members;
  onChange: (value: Members) => void;
  secrets: Record<string, string>;
  /** By JSON pointer below the parameters: `/accountSID`. */
  errors: Record<string, string[]>;
}

export function ParametersForm({ schema, value, onChange, secrets, errors }: ParametersProps) {
  const shown = useMemo(() => presentable(schema), [schema]);
  const ui = useMemo(() => presentation(schema), [schema]);
  const surroundings = useMemo<Surroundings>(() => {
    const byId = Object.entries(errors).map(([pointer, messages]) => [`root${pointer.replaceAll("/", "_")}`, messages]);
    return { errors: Object.fromEntries(byId), secrets };
  }, [errors, secrets]);
  return (
    <Form
      tagName="div"
      schema={shown}
      uiSchema={ui}
      formData={value}
      formContext={surroundings}
      validator={validator}
      noValidate
      noHtml5Validate
      showErrorList={false}
      experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipDefaults" }}
      onChange={(event) => onChange((event.formData ?? {}) as Members)}
      widgets={widgets}
      templates={{ FieldTemplate, ObjectFieldTemplate }}
    >
      <></>
    </Form>
  );
}

function around(registry: { formContext?: unknown }): Surroundings {
  return (registry.formContext ?? { errors: {}, secrets: {} }) as Surroundings;
}

function described(id: string, schema: Members, errors: string[] | undefined): string | undefined {
  const ids = [schema["description"] && `${id}__help`, errors && `${id}__errors`].filter(Boolean).join(" ");
  return ids || undefined;
}

function FieldTemplate({ id, label, required, schema, children, hidden, registry }: FieldTemplateProps) {
  const t = useTexts();
  if (hidden) return null;
  if (schema.type === "object") return <>{children}</>;
  const errors = around(registry).errors[id];
  const isSwitch = schema.type === "boolean";
  return (
    <div className={`field ${errors ? "wrong" : ""} ${isSwitch ? "switch-field" : ""}`}>
      <label htmlFor={id}>
        {label}
        {!required && !isSwitch && <span className="fine"> ({t.common.optional})</span>}
      </label>
      {children}
      {schema.description && <p className="help" id={`${id}__help`}>{schema.description}</p>}
      {errors?.map((error) => <p className="error" id={`${id}__errors`} key={error}>{error}</p>)}
    </div>
  );
}

function ObjectFieldTemplate({ properties }: ObjectFieldTemplateProps) {
  return <div className="fields">{properties.map((property) => property.content)}</div>;
}

function shared({ id, schema, registry, disabled, required }: WidgetProps) {
  const errors = around(registry).errors[id];
  return {
    id,
    disabled,
    "aria-required": required || undefined,
    "aria-invalid": errors ? true : undefined,
    "aria-describedby": described(id, schema, errors),
  };
}

function TextWidget(props: WidgetProps) {
  const { schema, value, onChange, placeholder } = props;
  return (
    <input
      {...shared(props)}
      type={schema.format === "email" ? "email" : schema.format === "uri" ? "url" : "text"}
      value={value ?? ""}
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
    />
  );
}

/** A number stays a number, a word a word. */
function NumberOrWordWidget(props: WidgetProps) {
  const { id, value, onChange, placeholder, options } = props;
  const words = (options["words"] ?? []) as unknown[];
  const read = (text: string) => (text === "" ? undefined : /^-?[0-9]+$/.test(text) ? Number(text) : text);
  return (
    <>
      <input
        {...shared(props)}
        list={`${id}__words`}
        value={value ?? ""}
        placeholder={placeholder}
        autoComplete="off"
        onChange={(event) => onChange(read(event.target.value))}
      />
      <datalist id={`${id}__words`}>
        {words.map((word) => <option key={String(word)} value={String(word)} />)}
      </datalist>
    </>
  );
}

function SelectWidget(props: WidgetProps) {
  const t = useTexts();
  const { value, onChange, options, required } = props;
  const choices = options.enumOptions ?? [];
  const chosen = choices.findIndex((one) => one.value === value);
  return (
    <select
      {...shared(props)}
      value={chosen}
      onChange={(event) => onChange(choices[Number(event.target.value)]?.value)}
    >
      {(!required || chosen < 0) && <option value={-1}>{t.setup.choose}</option>}
      {choices.map((one, index) => <option key={index} value={index}>{one.label}</option>)}
    </select>
  );
}

function SwitchWidget(props: WidgetProps) {
  return (
    <input
      {...shared(props)}
      type="checkbox"
      role="switch"
      className="switch"
      checked={props.value === true}
      onChange={(event) => props.onChange(event.target.checked)}
    />
  );
}

/** A secret: kept when nothing is written, replaced by what is written, removed by `null`. */
function SecretWidget(props: WidgetProps) {
  const t = useTexts();
  const format = useFormat();
  const { id, value, onChange, registry, required } = props;
  const name = id.replace(/^root_/, "");
  const since = around(registry).secrets[name];
  if (since && value === undefined) {
    return (
      <div className="secret-set" id={id} tabIndex={-1}>
        <span className="dots" aria-hidden="true">••••••••</span>
        <span className="fine grow">{t.setup.secretSet(format.dateTime(since))}</span>
        <Button onClick={() => onChange("")} aria-label={`${t.setup.replace}: ${props.label}`}>{t.setup.replace}</Button>
        {!required && (
          <Button look="quiet" onClick={() => onChange(null)} aria-label={`${t.setup.removeSecret}: ${props.label}`}>
            {t.setup.removeSecret}
          </Button>
        )}
      </div>
    );
  }
  if (value === null) {
    return (
      <div className="secret-set" id={id} tabIndex={-1}>
        <span className="grow">{t.setup.removed}</span>
        <Button onClick={() => onChange(undefined)}>{t.setup.keep}</Button>
      </div>
    );
  }
  return (
    <div className="with-button">
      <input
        {...shared(props)}
        type="password"
        autoComplete="new-password"
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" && !since ? undefined : event.target.value)}
      />
      {since && <Button look="quiet" onClick={() => onChange(undefined)}>{t.setup.keep}</Button>}
    </div>
  );
}

const widgets: RegistryWidgetsType = {
  TextWidget,
  EmailWidget: TextWidget,
  URLWidget: TextWidget,
  SelectWidget,
  CheckboxWidget: SwitchWidget,
  secret: SecretWidget,
  numberOrWord: NumberOrWordWidget,
};
