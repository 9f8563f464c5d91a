import { useEffect, useState, type InputHTMLAttributes, type ReactNode } from "react";
import { Field } from "../../components/field";

interface IntegerFieldProps {
  label: ReactNode;
  help?: ReactNode;
  error?: string;
  value: number;
  onChange: (value: number) => void;
}

/** A field for a whole number. Keeps what is typed until it is one. */
export function IntegerField({ label, help, error, value, onChange }: IntegerFieldProps) {
  const [text, setText] = useState(String(value));
  useEffect(() => setText((before) => (Number(before) === value && before !== "" ? before : String(value))), [value]);
  return (
    <Field label={label} help={help} error={error}>
      {(ids) => (
        <input
          {...ids}
          inputMode="numeric"
          value={text}
          onChange={(event) => {
            const digits = event.target.value.replace(/[^0-9]/g, "");
            setText(digits);
            if (digits !== "") onChange(Number(digits));
          }}
        />
      )}
    </Field>
  );
}

/** An amount of money, entered in the currency and stored in millionths of it. */
export function MoneyField({ label, error, ...rest }: MoneyInputProps & { label: ReactNode; error?: string }) {
  return <Field label={label} error={error}>{(ids) => <MoneyInput {...ids} {...rest} />}</Field>;
}

type MoneyInputProps = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> & { micros: number; onChange: (micros: number) => void };

/** Keeps what is typed until it is a valid amount. */
export function MoneyInput({ micros, onChange, ...rest }: MoneyInputProps) {
  const [text, setText] = useState(String(micros / 1e6));
  useEffect(() => setText((before) => (parseMicros(before) === micros ? before : String(micros / 1e6))), [micros]);
  return (
    <input
      {...rest}
      inputMode="decimal"
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        const typed = parseMicros(event.target.value);
        if (typed !== undefined) onChange(typed);
      }}
    />
  );
}

function parseMicros(text: string): number | undefined {
  const typed = text.replace(",", ".");
  return /^[0-9]+(\.[0-9]{0,6})?$/.test(typed) ? Math.round(Number(typed) * 1e6) : undefined;
}
