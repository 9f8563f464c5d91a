// What happens when a send fails, and which connection sends to which country.

import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { connectionsQuery } from "../../api/queries";
import { inDoubtValues, type Policy } from "../../api/types";
import { ByCountry } from "../../components/by-country";
import { Card } from "../../components/layout";
import { useTexts } from "../../text";
import { IntegerField } from "./number-fields";

interface DeliveryProps {
  tenant: string;
  policy: Policy;
  onChange: (policy: Policy) => void;
  error: (field: string) => string | undefined;
}

export function DeliveryCard({ tenant, policy, onChange, error }: DeliveryProps) {
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
      <IntegerField label={t.policy.maxMessages} help={t.policy.maxMessagesHelp} value={delivery.maxMessages} error={error("/delivery/maxMessages")} onChange={(maxMessages) => set({ maxMessages })} />
      <fieldset className="choices">
        <legend>{t.policy.inDoubt}</legend>
        {inDoubtValues.map((one) => (
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
