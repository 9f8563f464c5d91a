// Messages without a code: whether they are sent, how many, and their templates.

import { Plus, X } from "lucide-react";
import { usageValues, type Policy, type Usage } from "../../api/types";
import { Button } from "../../components/button";
import { Field, Switch } from "../../components/field";
import { Card } from "../../components/layout";
import { useTexts } from "../../text";
import { IntegerField } from "./number-fields";

interface NoticesProps {
  value: Policy["notices"];
  onChange: (value: Policy["notices"]) => void;
  error: (field: string) => string | undefined;
}

export function NoticesCard({ value, onChange, error }: NoticesProps) {
  const t = useTexts();
  const { templates } = value;
  const set = (part: Partial<Policy["notices"]>) => onChange({ ...value, ...part });
  const change = (index: number, part: Partial<(typeof templates)[number]>) =>
    set({ templates: templates.map((one, at) => (at === index ? { ...one, ...part } : one)) });
  return (
    <Card title={t.policy.notices} help={t.policy.noticesHelp}>
      <Switch label={t.policy.noticesOn} help={t.policy.noticesOnHelp} checked={value.enabled} onChange={(enabled) => set({ enabled })} />
      {value.enabled && (
        <>
          <div className="fields pairs">
            <IntegerField label={t.policy.noticesPerNumber} value={value.numberPerDay} error={error("/notices/numberPerDay")} onChange={(numberPerDay) => set({ numberPerDay })} />
            <IntegerField label={t.policy.noticesPerTenant} value={value.tenantPerDay} error={error("/notices/tenantPerDay")} onChange={(tenantPerDay) => set({ tenantPerDay })} />
          </div>
          <fieldset className="choices">
            <legend>{t.policy.noticeTemplates}</legend>
            <p className="help">{t.policy.noticeTemplatesHelp}</p>
            {templates.map((template, index) => {
              const name = t.policy.noticeTemplate(index + 1);
              return (
                // A template has no id; they are never moved.
                <div key={index} role="group" aria-label={name}>
                  <div className="fields pairs">
                    <Field label={t.policy.noticeUsage} error={error(`/notices/templates/${index}`)}>
                      {(ids) => (
                        <select {...ids} value={template.usage} onChange={(event) => change(index, { usage: event.target.value as Usage })}>
                          {usageValues.map((one) => <option key={one} value={one}>{t.usages[one]}</option>)}
                        </select>
                      )}
                    </Field>
                    <Field label={`${t.policy.noticeLocale} (${t.common.optional})`} error={error(`/notices/templates/${index}/locale`)}>
                      {(ids) => (
                        <input {...ids} value={template.locale ?? ""} placeholder="en" onChange={(event) => change(index, { locale: event.target.value || null })} />
                      )}
                    </Field>
                  </div>
                  <Field label={t.policy.noticeText} error={error(`/notices/templates/${index}/content`)}>
                    {(ids) => <textarea {...ids} rows={2} value={template.content} onChange={(event) => change(index, { content: event.target.value })} />}
                  </Field>
                  <Button icon={<X size={16} aria-hidden="true" />} variant="quiet" onClick={() => set({ templates: templates.filter((_, at) => at !== index) })}>
                    {`${t.common.remove}: ${name}`}
                  </Button>
                </div>
              );
            })}
            <Button icon={<Plus size={16} aria-hidden="true" />} onClick={() => set({ templates: [...templates, { usage: "generic", content: "" }] })}>{t.policy.addNoticeTemplate}</Button>
          </fieldset>
        </>
      )}
    </Card>
  );
}
