// The result of a test message: the outcome, its cause, and the trace.

import type { TestResult } from "../../api/types";
import type { Tone } from "../../components/badge";
import { Facts } from "../../components/layout";
import { Notice } from "../../components/notice";
import { FailureFacts, Requests, ResourceUse, Responses, Trace } from "../../components/trace";
import { useTexts } from "../../text";

const tones: Record<TestResult["outcome"], Tone> = { accepted: "good", failed: "bad", "in-doubt": "warn", "dry-run": "good" };

export function TestResultView({ report }: { report: TestResult }) {
  const t = useTexts();
  const { size } = report;
  return (
    <div className="test-result">
      <Notice tone={tones[report.outcome]} title={t.testResult[report.outcome]} announce>
        {report.failure ? (
          <FailureFacts failure={report.failure} />
        ) : (
          <Facts
            facts={[
              [t.testResult.providerId, report.providerMessageId && <code>{report.providerMessageId}</code>],
              [t.messages.segments, size && t.testResult.size(t.templates.segments(size.segments), size.encoding === "gsm7" ? "GSM-7" : "UCS-2")],
            ]}
          />
        )}
      </Notice>
      {report.unknownVariables.length > 0 && <Notice tone="warn">{t.templates.unknown(report.unknownVariables.join(", "))}</Notice>}
      <details open>
        <summary>{t.testResult.steps}</summary>
        <Trace events={report.trace} />
      </details>
      {report.requests.length > 0 && (
        <details open>
          <summary>{report.outcome === "dry-run" ? t.testResult.requestDry : t.testResult.request}</summary>
          <Requests requests={report.requests} />
        </details>
      )}
      <Responses events={report.trace} />
      <details>
        <summary>{t.testResult.used}</summary>
        <ResourceUse usage={report.resourceUsage} />
      </details>
    </div>
  );
}
