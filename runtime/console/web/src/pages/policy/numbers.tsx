// The kinds of numbers that messages may be sent to.

import type { Policy } from "../../api/types";
import { Switch } from "../../components/field";
import { Card } from "../../components/layout";
import { useTexts } from "../../text";

type Numbers = Policy["numbers"];

interface NumbersProps {
  value: Numbers;
  onChange: (value: Numbers) => void;
}

export function NumbersCard({ value, onChange }: NumbersProps) {
  const t = useTexts();
  const kinds = Object.keys(t.policy.numberKind) as (keyof Numbers)[];
  return (
    <Card title={t.policy.numbers} help={t.policy.numbersHelp}>
      {kinds.map((kind) => (
        <Switch
          key={kind}
          label={t.policy.numberKind[kind].name}
          help={t.policy.numberKind[kind].help}
          checked={value[kind] ?? false}
          onChange={(on) => onChange({ ...value, [kind]: on })}
        />
      ))}
    </Card>
  );
}
