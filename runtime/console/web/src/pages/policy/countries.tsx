// The countries that messages may be sent to.

import { useState } from "react";
import { X } from "lucide-react";
import type { Policy } from "../../api/types";
import { useCountries } from "../../components/countries";
import { Search, Switch } from "../../components/field";
import { Card } from "../../components/layout";
import { Notice } from "../../components/notice";
import { useFormat, useTexts } from "../../text";

export function CountriesCard({ value, onChange }: { value: Policy["countries"]; onChange: (value: Policy["countries"]) => void }) {
  const t = useTexts();
  const format = useFormat();
  const [filter, setFilter] = useState("");
  const [onlyChosen, setOnlyChosen] = useState(false);
  const chosen = new Set(value.only);
  const all = useCountries();
  const wanted = filter.trim().toLowerCase();
  const shown = all.filter(
    ({ code, name }) => (!onlyChosen || chosen.has(code)) && (name.toLowerCase().includes(wanted) || code.toLowerCase() === wanted),
  );
  const set = (code: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(code);
    else next.delete(code);
    onChange({ ...value, only: [...next].sort() });
  };
  return (
    <Card title={t.policy.countries} help={t.policy.countriesHelp}>
      <Switch
        label={t.policy.allCountries}
        help={t.policy.allCountriesHelp}
        checked={value.all}
        onChange={(on) => onChange({ ...value, all: on })}
      />
      {!value.all && (
        <>
          {value.only.length === 0 && <Notice tone="warn">{t.policy.noneChosen}</Notice>}
          {value.only.length > 0 && (
            <ul className="chips" aria-label={t.policy.chosen(value.only.length)}>
              {value.only.map((code) => (
                <li key={code}>
                  {format.country(code)}
                  <button type="button" aria-label={`${t.common.remove}: ${format.country(code)}`} onClick={() => set(code, false)}>
                    <X size={14} aria-hidden="true" />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <div className="row">
            <Search label={t.policy.findCountry} value={filter} onChange={setFilter} />
            <label className="choice inline">
              <input type="checkbox" checked={onlyChosen} onChange={(event) => setOnlyChosen(event.target.checked)} />
              <span>{t.policy.onlyChosen} ({t.policy.chosen(value.only.length)})</span>
            </label>
          </div>
          <ul className="countries" aria-label={t.policy.countries} tabIndex={0}>
            {shown.map(({ code, name }) => (
              <li key={code}>
                <label>
                  <input type="checkbox" checked={chosen.has(code)} onChange={(event) => set(code, event.target.checked)} />
                  <span>{name}</span> <span className="fine">{code}</span>
                </label>
              </li>
            ))}
            {shown.length === 0 && <li className="fine">{t.policy.noCountryFits}</li>}
          </ul>
        </>
      )}
    </Card>
  );
}
