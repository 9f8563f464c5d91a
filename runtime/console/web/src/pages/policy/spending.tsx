// The monthly spending cap, and the prices that it is computed with.

import type { Policy } from "../../api/types";
import { ByCountry } from "../../components/by-country";
import { Field, Switch } from "../../components/field";
import { Card } from "../../components/layout";
import { useTexts } from "../../text";
import { MoneyField, MoneyInput } from "./number-fields";

interface SpendingProps {
  policy: Policy;
  onChange: (policy: Policy) => void;
  error: (field: string) => string | undefined;
}

export function SpendingCard({ policy, onChange, error }: SpendingProps) {
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
          <MoneyField label={t.policy.cap} micros={spend.capPerMonthMicros} error={error("/spend/capPerMonthMicros")} onChange={(capPerMonthMicros) => set({ capPerMonthMicros })} />
          <MoneyField label={t.policy.price} micros={spend.pricePerSegmentMicros} error={error("/spend/pricePerSegmentMicros")} onChange={(pricePerSegmentMicros) => set({ pricePerSegmentMicros })} />
        </div>
      )}
      {spend && (
        <ByCountry
          label={t.policy.prices}
          help={t.policy.pricesHelp}
          add={t.policy.addPrice}
          values={spend.prices ?? {}}
          initial={spend.pricePerSegmentMicros}
          error={(country) => error(`/spend/prices/${country}`)}
          onChange={(prices) => set({ prices })}
          control={(value, change, country) => <MoneyInput aria-label={t.policy.priceOf(country)} micros={value} onChange={change} />}
        />
      )}
    </Card>
  );
}
