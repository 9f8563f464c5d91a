// The form for a connector's parameters, generated from its schema. Secrets are write-only.

import { useMemo } from "react";
import Form from "@rjsf/core";
import type { FieldTemplateProps, ObjectFieldTemplateProps, RegistryWidgetsType, WidgetProps } from "@rjsf/utils";
import type { JsonObject } from "../api/types";
import { Button } from "../components/button";
import { WithCode } from "../components/with-code";
import { useFormat, useTexts } from "../text";
import { JsonInput } from "./json-input";
import { formSchema, formUiSchema, jsonParameters } from "./schema";
import { validator } from "./validator";

/** What the widgets need besides their own value. */
interface FormContext {
  /** By the id of the field. */
  errors: Record<string, string[]>;
  /** When each stored secret was set, by parameter. */
  secrets: Record<string, string>;
}

interface ParametersProps {
  schema: JsonObject;
  value: JsonObject;
  onChange: (value: JsonObject) => void;
  secrets: Record<string, string>;
  /** By JSON pointer below the parameters: `/accountSID`. */
  errors: Record<string, string[]>;
}

export function ParametersForm({ schema, value, onChange, secrets, errors }: ParametersProps) {
  const shown = useMemo(() => formSchema(schema), [schema]);
  const ui = useMemo(() => formUiSchema(schema), [schema]);
  const surroundings = useMemo<FormContext>(() => {
    const json = jsonParameters(schema);
    const byId: Record<string, string[]> = {};
    for (const [pointer, messages] of Object.entries(errors)) {
      // What is wrong inside of a JSON value is shown at its field.
      const name = pointer.split("/")[1] ?? "";
      const id = json.has(name) ? `root_${name}` : `root${pointer.replaceAll("/", "_")}`;
      byId[id] = [...(byId[id] ?? []), ...messages];
    }
    return { errors: byId, secrets };
  }, [schema, errors, secrets]);
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
      onChange={(event) => onChange((event.formData ?? {}) as JsonObject)}
      widgets={widgets}
      templates={{ FieldTemplate, ObjectFieldTemplate }}
    >
      <></>
    </Form>
  );
}

function formContext(registry: { formContext?: unknown }): FormContext {
  return (registry.formContext ?? { errors: {}, secrets: {} }) as FormContext;
}

function describedBy(id: string, schema: JsonObject, errors: string[] | undefined): string | undefined {
  const ids = [schema["description"] && `${id}__help`, errors && `${id}__errors`].filter(Boolean).join(" ");
  return ids || undefined;
}

function FieldTemplate({ id, label, required, schema, children, hidden, registry }: FieldTemplateProps) {
  const t = useTexts();
  if (hidden) return null;
  if (schema.type === "object") return <>{children}</>;
  const errors = formContext(registry).errors[id];
  const isSwitch = schema.type === "boolean";
  return (
    <div className={`field ${errors ? "wrong" : ""} ${isSwitch ? "switch-field" : ""}`}>
      <label htmlFor={id}>
        {label}
        {!required && !isSwitch && <span className="fine"> ({t.common.optional})</span>}
      </label>
      {children}
      {schema.description && <p className="help" id={`${id}__help`}><WithCode text={schema.description} /></p>}
      {errors?.map((error) => <p className="error" id={`${id}__errors`} key={error}>{error}</p>)}
    </div>
  );
}

function ObjectFieldTemplate({ properties }: ObjectFieldTemplateProps) {
  return <div className="fields">{properties.map((property) => property.content)}</div>;
}

function inputProps({ id, schema, registry, disabled, required }: WidgetProps) {
  const errors = formContext(registry).errors[id];
  return {
    id,
    disabled,
    "aria-required": required || undefined,
    "aria-invalid": errors ? true : undefined,
    "aria-describedby": describedBy(id, schema, errors),
  };
}

function TextWidget(props: WidgetProps) {
  const { schema, value, onChange, placeholder } = props;
  return (
    <input
      {...inputProps(props)}
      type={schema.format === "email" ? "email" : schema.format === "uri" ? "url" : "text"}
      value={value ?? ""}
      placeholder={placeholder}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
    />
  );
}

/** A number or one of some words; digits become a number. */
function NumberOrWordWidget(props: WidgetProps) {
  const { id, value, onChange, placeholder, options } = props;
  const words = (options["words"] ?? []) as unknown[];
  const read = (text: string) => (text === "" ? undefined : /^-?[0-9]+$/.test(text) ? Number(text) : text);
  return (
    <>
      <input
        {...inputProps(props)}
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

function JsonWidget(props: WidgetProps) {
  return <JsonInput attributes={inputProps(props)} value={props.value} placeholder={props.placeholder} onChange={props.onChange} />;
}

function SelectWidget(props: WidgetProps) {
  const t = useTexts();
  const { value, onChange, options, required } = props;
  const choices = options.enumOptions ?? [];
  const chosen = choices.findIndex((one) => one.value === value);
  return (
    <select
      {...inputProps(props)}
      value={chosen}
      onChange={(event) => onChange(choices[Number(event.target.value)]?.value)}
    >
      {(!required || chosen < 0) && <option value={-1}>{t.connection.choose}</option>}
      {choices.map((one, index) => <option key={index} value={index}>{one.label}</option>)}
    </select>
  );
}

function SwitchWidget(props: WidgetProps) {
  return (
    <input
      {...inputProps(props)}
      type="checkbox"
      role="switch"
      className="switch"
      checked={props.value === true}
      onChange={(event) => props.onChange(event.target.checked)}
    />
  );
}

/** A secret: `undefined` keeps the stored one, a text replaces it, `null` removes it. */
function SecretWidget(props: WidgetProps) {
  const t = useTexts();
  const format = useFormat();
  const { id, value, onChange, registry, required } = props;
  const name = id.replace(/^root_/, "");
  const since = formContext(registry).secrets[name];
  if (since && value === undefined) {
    return (
      <div className="secret-set" id={id} tabIndex={-1}>
        <span className="dots" aria-hidden="true">••••••••</span>
        <span className="fine grow">{t.connection.secretSet(format.dateTime(since))}</span>
        <Button onClick={() => onChange("")} aria-label={`${t.connection.replace}: ${props.label}`}>{t.connection.replace}</Button>
        {!required && (
          <Button variant="quiet" onClick={() => onChange(null)} aria-label={`${t.connection.removeSecret}: ${props.label}`}>
            {t.connection.removeSecret}
          </Button>
        )}
      </div>
    );
  }
  if (value === null) {
    return (
      <div className="secret-set" id={id} tabIndex={-1}>
        <span className="grow">{t.connection.removed}</span>
        <Button onClick={() => onChange(undefined)}>{t.connection.keep}</Button>
      </div>
    );
  }
  return (
    <div className="with-button">
      <input
        {...inputProps(props)}
        type="password"
        autoComplete="new-password"
        value={value ?? ""}
        onChange={(event) => onChange(event.target.value === "" && !since ? undefined : event.target.value)}
      />
      {since && <Button variant="quiet" onClick={() => onChange(undefined)}>{t.connection.keep}</Button>}
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
  json: JsonWidget,
};
