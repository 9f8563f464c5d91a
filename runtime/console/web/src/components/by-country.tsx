// Settings for individual countries, one per line: a price, a connection.

import type { ReactNode } from "react";
import { X } from "lucide-react";
import { useFormat, useTexts } from "../text";
import { useCountries } from "./countries";

interface ByCountryProps<T> {
  label: ReactNode;
  help: ReactNode;
  /** The name of the select that adds a country. */
  add: string;
  values: Record<string, T>;
  /** The value of a country that was just added. */
  initial: T;
  error: (country: string) => string | undefined;
  onChange: (values: Record<string, T>) => void;
  control: (value: T, set: (value: T) => void, name: string) => ReactNode;
}

export function ByCountry<T>({ label, help, add, values, initial, error, onChange, control }: ByCountryProps<T>) {
  const t = useTexts();
  const format = useFormat();
  const all = useCountries();
  const without = (country: string) => Object.fromEntries(Object.entries(values).filter(([code]) => code !== country));
  return (
    <fieldset className="choices">
      <legend>{label}</legend>
      <p className="help">{help}</p>
      <ul className="by-country">
        {Object.entries(values).map(([code, value]) => (
          <li key={code}>
            <span>{format.country(code)}</span>
            {control(value, (next) => onChange({ ...values, [code]: next }), format.country(code))}
            <button type="button" className="icon-button" aria-label={`${t.common.remove}: ${format.country(code)}`} onClick={() => onChange(without(code))}>
              <X size={16} aria-hidden="true" />
            </button>
            {error(code) && <p className="error" role="alert">{error(code)}</p>}
          </li>
        ))}
      </ul>
      <select aria-label={add} value="" onChange={(event) => onChange({ ...values, [event.target.value]: initial })}>
        <option value="">{add}…</option>
        {all.filter(({ code }) => !(code in values)).map(({ code, name }) => <option key={code} value={code}>{name}</option>)}
      </select>
    </fieldset>
  );
}
