import type { Connection } from "../../api/types";
import { CopyButton } from "../../components/button";
import { Card } from "../../components/layout";
import { Notice } from "../../components/notice";
import { ExplainedText } from "../../components/server-text";
import { useTexts } from "../../text";

/** The address for the provider's delivery reports, and whether it must be entered at the provider. */
export function DeliveryReports({ reports: { callbackUrl, automatic, reason } }: { reports: Connection["deliveryReports"] }) {
  const t = useTexts();
  const sentence = callbackUrl ? t.connection.reportsEnter : t.connection.reportsHidden;
  return (
    <Card title={t.connection.reports} help={t.connection.reportsHelp}>
      {callbackUrl && (
        <p className="row">
          <code className="secret">{callbackUrl}</code> <CopyButton text={callbackUrl} />
        </p>
      )}
      {automatic && <Notice tone="good">{t.connection.reportsFilled}</Notice>}
      {!automatic && reason && <Notice tone="info"><ExplainedText sentence={sentence} text={reason} /></Notice>}
    </Card>
  );
}
