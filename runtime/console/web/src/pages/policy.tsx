// What a code is, how many messages are let in, where they may go, what they may cost, and what follows a failure.

import { useEffect, useMemo, useState, type InputHTMLAttributes, type ReactNode } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, Save, X } from "lucide-react";
import { useParams } from "react-router";
import { at, call } from "../api/client";
import { client, connectionsQuery, policyQuery } from "../api/queries";
import type { Policy } from "../api/types";
import { Button, Card, Field, Notice, PageHead, Search, Switch } from "../parts/basics";
import { ByCountry } from "../parts/by-country";
import { useCountries } from "../parts/countries";
import { Failed, Loaded } from "../parts/loaded";
import { useUnsaved } from "../parts/unsaved";
import { useFormat, useTexts } from "../text";
import { useToldFields } from "../text/said";
import { Holds, TestNumbers } from "./numbers";

export default function PolicyPage() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const policy = useQuery({ ...policyQuery(tenant), refetchOnWindowFocus: false });
  return (
    <>
      <PageHead title={t.policy.title} lead={t.policy.lead} />
      <Loaded query={policy}>{(saved) => <Editor key={tenant} tenant={tenant} saved={saved} />}</Loaded>
      <Holds tenant={tenant} />
      <TestNumbers tenant={tenant} />
    </>
  );
}

function Editor({ tenant, saved }: { tenant: string; saved: Policy }) {
  const t = useTexts();
  const [policy, setPolicy] = useState(saved);
  const dirty = useMemo(() => JSON.stringify(policy) !== JSON.stringify(saved), [policy, saved]);
  const unsaved = useUnsaved(dirty);
  const save = useMutation({
    mutationFn: () => call<Policy>(at(tenant, "policy"), { method: "PUT", body: policy }),
    onSuccess: (next) => {
      setPolicy(next);
      client.setQueryData(policyQuery(tenant).queryKey, next);
    },
  });
  const fields = useToldFields()(save.error);
  const error = (field: string) => fields.filter((one) => one.field === field).map((one) => one.message).join(" ") || undefined;
  const named = new Set([
    "/codes/digits", "/codes/lifetimeSeconds", "/codes/tries", "/codes/sends", "/originDomain", "/delivery/mostMessages",
    "/spend/currency", "/spend/capPerMonthMicros", "/spend/pricePerSegmentMicros",
    ...Object.keys(t.policy.limit).map((name) => `/limits/${name}`),
  ]);
  const isOfCountry = (field: string) => /^\/(spend\/prices|delivery\/routes)\/[A-Z]{2}$/.test(field);
  const others = fields.filter((one) => !named.has(one.field) && !isOfCountry(one.field));
  const codes = (part: Partial<Policy["codes"]>) => setPolicy({ ...policy, codes: { ...policy.codes, ...part } });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <div className="two-columns">
        <Card title={t.policy.codes} help={t.policy.codesHelp}>
          <div className="fields pairs">
            <Amount label={t.policy.digits} help={t.policy.digitsHelp} value={policy.codes.digits} error={error("/codes/digits")} onChange={(digits) => codes({ digits })} />
            <Amount label={t.policy.lifetime} help={t.policy.lifetimeHelp} value={policy.codes.lifetimeSeconds} error={error("/codes/lifetimeSeconds")} onChange={(lifetimeSeconds) => codes({ lifetimeSeconds })} />
            <Amount label={t.policy.tries} help={t.policy.triesHelp} value={policy.codes.tries} error={error("/codes/tries")} onChange={(tries) => codes({ tries })} />
            <Amount label={t.policy.sends} help={t.policy.sendsHelp} value={policy.codes.sends} error={error("/codes/sends")} onChange={(sends) => codes({ sends })} />
          </div>
          <Field label={`${t.policy.origin} (${t.common.optional})`} help={t.policy.originHelp} error={error("/originDomain")}>
            {(ids) => (
              <input
                {...ids}
                value={policy.originDomain ?? ""}
                placeholder="example.com"
                onChange={(event) => setPolicy({ ...policy, originDomain: event.target.value || null })}
              />
            )}
          </Field>
        </Card>
        <Card title={t.policy.limits} help={t.policy.limitsHelp}>
          <div className="fields pairs">
            {Object.entries(t.policy.limit).map(([name, label]) => (
              <Amount
                key={name}
                label={label}
                value={policy.limits[name] ?? 0}
                error={error(`/limits/${name}`)}
                onChange={(value) => setPolicy({ ...policy, limits: { ...policy.limits, [name]: value } })}
              />
            ))}
          </div>
        </Card>
      </div>
      <Countries value={policy.countries} onChange={(countries) => setPolicy({ ...policy, countries })} />
      <div className="two-columns">
        <Delivery tenant={tenant} policy={policy} onChange={setPolicy} error={error} />
        <Spend policy={policy} onChange={setPolicy} error={error} />
      </div>
      {save.isError && (fields.length === 0 || others.length > 0) && <Failed error={save.error} />}
      <div className={dirty ? "save-bar" : "save-bar resting"} role="group" aria-label={t.common.save}>
        <p className="fine grow" role="status">{dirty ? t.common.unsaved : save.isSuccess ? t.policy.saved : ""}</p>
        <Button look="quiet" disabled={!dirty} onClick={() => setPolicy(saved)}>{t.common.discard}</Button>
        <Button type="submit" look="primary" disabled={!dirty} working={save.isPending} icon={<Save size={16} aria-hidden="true" />}>
          {t.common.save}
        </Button>
      </div>
      {unsaved.guard}
    </form>
  );
}

interface AmountProps {
  label: ReactNode;
  help?: ReactNode;
  error?: string;
  value: number;
  onChange: (value: number) => void;
}

/** A whole number. What is typed stays as it is until it is one. */
function Amount({ label, help, error, value, onChange }: AmountProps) {
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

function Countries({ value, onChange }: { value: Policy["countries"]; onChange: (value: Policy["countries"]) => void }) {
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

interface PartProps {
  policy: Policy;
  onChange: (policy: Policy) => void;
  error: (field: string) => string | undefined;
}

function Delivery({ tenant, policy, onChange, error }: PartProps & { tenant: string }) {
  const t = useTexts();
  const connections = useQuery(connectionsQuery(tenant));
  const { delivery } = policy;
  const set = (part: Partial<Policy["delivery"]>) => onChange({ ...policy, delivery: { ...delivery, ...part } });
  const names = (connections.data ?? []).map((one) => one.name);
  const free = names.filter((name) => !delivery.fallbacks.includes(name));
  const move = (index: number, by: number) => {
    const next = [...delivery.fallbacks];
    const [moved] = next.splice(index, 1);
    if (moved) next.splice(index + by, 0, moved);
    set({ fallbacks: next });
  };
  return (
    <Card title={t.policy.delivery}>
      <Amount label={t.policy.mostMessages} help={t.policy.mostMessagesHelp} value={delivery.mostMessages} error={error("/delivery/mostMessages")} onChange={(mostMessages) => set({ mostMessages })} />
      <fieldset className="choices">
        <legend>{t.policy.inDoubt}</legend>
        {(["prefer-silence", "prefer-delivery"] as const).map((one) => (
          <label key={one} className="choice">
            <input type="radio" name="in-doubt" checked={delivery.inDoubt === one} onChange={() => set({ inDoubt: one })} />
            <span>{one === "prefer-silence" ? t.policy.silence : t.policy.preferDelivery}</span>
          </label>
        ))}
      </fieldset>
      <fieldset className="choices">
        <legend>{t.policy.fallbacks}</legend>
        <p className="help">{t.policy.fallbacksHelp}</p>
        <ol className="ordered">
          {delivery.fallbacks.map((name, index) => (
            <li key={name}>
              <span className="grow">{name}</span>
              <button type="button" className="icon-button" aria-label={`↑ ${name}`} disabled={index === 0} onClick={() => move(index, -1)}>
                <ArrowUp size={16} aria-hidden="true" />
              </button>
              <button type="button" className="icon-button" aria-label={`↓ ${name}`} disabled={index === delivery.fallbacks.length - 1} onClick={() => move(index, 1)}>
                <ArrowDown size={16} aria-hidden="true" />
              </button>
              <button type="button" className="icon-button" aria-label={`${t.common.remove}: ${name}`} onClick={() => set({ fallbacks: delivery.fallbacks.filter((one) => one !== name) })}>
                <X size={16} aria-hidden="true" />
              </button>
            </li>
          ))}
        </ol>
        {free.length > 0 && delivery.fallbacks.length < 5 ? (
          <select aria-label={`${t.common.add}: ${t.policy.fallbacks}`} value="" onChange={(event) => set({ fallbacks: [...delivery.fallbacks, event.target.value] })}>
            <option value="">{t.common.add}…</option>
            {free.map((name) => <option key={name} value={name}>{name}</option>)}
          </select>
        ) : (
          delivery.fallbacks.length === 0 && <p className="fine">{t.policy.noFallbacks}</p>
        )}
      </fieldset>
      {names.length > 0 && (
        <ByCountry
          label={t.policy.routes}
          help={t.policy.routesHelp}
          add={t.policy.addRoute}
          values={delivery.routes}
          initial={names[0] ?? ""}
          error={(country) => error(`/delivery/routes/${country}`)}
          onChange={(routes) => set({ routes })}
          control={(value, change, country) => (
            <select aria-label={t.policy.routeOf(country)} value={value} onChange={(event) => change(event.target.value)}>
              {[...new Set([...names, value])].map((name) => <option key={name} value={name}>{name}</option>)}
            </select>
          )}
        />
      )}
    </Card>
  );
}

function Spend({ policy, onChange, error }: PartProps) {
  const t = useTexts();
  const { spend } = policy;
  const set = (part: Partial<NonNullable<Policy["spend"]>>) => spend && onChange({ ...policy, spend: { ...spend, ...part } });
  return (
    <Card title={t.policy.spend} help={t.policy.spendHelp}>
      <Switch
        label={t.policy.spendOn}
        checked={spend !== null}
        onChange={(on) =>
          onChange({
            ...policy,
            spend: on ? { currency: "EUR", capPerMonthMicros: 100_000_000, pricePerSegmentMicros: 80_000, prices: {} } : null,
          })
        }
      />
      {spend && (
        <div className="fields pairs">
          <Field label={t.policy.currency} error={error("/spend/currency")}>
            {(ids) => <input {...ids} value={spend.currency} maxLength={3} onChange={(event) => set({ currency: event.target.value.toUpperCase() })} />}
          </Field>
          <Money label={t.policy.cap} micros={spend.capPerMonthMicros} error={error("/spend/capPerMonthMicros")} onChange={(capPerMonthMicros) => set({ capPerMonthMicros })} />
          <Money label={t.policy.price} micros={spend.pricePerSegmentMicros} error={error("/spend/pricePerSegmentMicros")} onChange={(pricePerSegmentMicros) => set({ pricePerSegmentMicros })} />
        </div>
      )}
      {spend && (
        <ByCountry
          label={t.policy.prices}
          help={t.policy.pricesHelp}
          add={t.policy.addPrice}
          values={spend.prices}
          initial={spend.pricePerSegmentMicros}
          error={(country) => error(`/spend/prices/${country}`)}
          onChange={(prices) => set({ prices })}
          control={(value, change, country) => <Decimal aria-label={t.policy.priceOf(country)} micros={value} onChange={change} />}
        />
      )}
    </Card>
  );
}

/** An amount in the currency itself; kept in millionths. */
function Money({ label, error, ...rest }: DecimalProps & { label: ReactNode; error?: string }) {
  return <Field label={label} error={error}>{(ids) => <Decimal {...ids} {...rest} />}</Field>;
}

type DecimalProps = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange"> & { micros: number; onChange: (micros: number) => void };

/** What is typed stays as it is until it is an amount. */
function Decimal({ micros, onChange, ...rest }: DecimalProps) {
  const [text, setText] = useState(String(micros / 1e6));
  useEffect(() => setText((before) => (inMicros(before) === micros ? before : String(micros / 1e6))), [micros]);
  return (
    <input
      {...rest}
      inputMode="decimal"
      value={text}
      onChange={(event) => {
        setText(event.target.value);
        const typed = inMicros(event.target.value);
        if (typed !== undefined) onChange(typed);
      }}
    />
  );
}

function inMicros(text: string): number | undefined {
  const typed = text.replace(",", ".");
  return /^[0-9]+(\.[0-9]{0,6})?$/.test(typed) ? Math.round(Number(typed) * 1e6) : undefined;
}
