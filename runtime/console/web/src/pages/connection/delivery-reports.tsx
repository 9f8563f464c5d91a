import type { Connection } from "../../api/types";
import { CopyButton } from "../../components/button";
import { Card } from "../../components/layout";
import { Notice } from "../../components/notice";
import { EnglishText } from "../../components/server-text";
import { useTexts } from "../../text";

/** The address for the provider's delivery reports, and whether it must be entered at the provider. */
export function DeliveryReports({ reports: { address, filled, why } }: { reports: Connection["reports"] }) {
  const t = useTexts();
  return (
    <Card title={t.connection.reports} help={t.connection.reportsHelp}>
      {address && (
        <p className="row">
          <code className="secret">{address}</code> <CopyButton text={address} />
        </p>
      )}
      {filled ? <Notice tone="good">{t.connection.reportsFilled}</Notice> : why && <Notice tone="info"><EnglishText text={why} /></Notice>}
    </Card>
  );
}
