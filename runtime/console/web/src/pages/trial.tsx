// What became of a test message: in a sentence, then why, then step by step.

import type { TestReport } from "../api/types";
import { Facts, Notice, type Tone } from "../parts/basics";
import { Answers, FailureFacts, Requests, Trace, Used } from "../parts/trace";
import { useTexts } from "../text";

const tones: Record<TestReport["outcome"], Tone> = { accepted: "good", failed: "bad", "in-doubt": "warn", "dry-run": "good" };

export function Trial({ report }: { report: TestReport }) {
  const t = useTexts();
  const { size } = report;
  return (
    <div className="trial">
      <Notice tone={tones[report.outcome]} title={t.trial[report.outcome]} announced>
        {report.failure ? (
          <FailureFacts failure={report.failure} />
        ) : (
          <Facts
            facts={[
              [t.trial.providerId, report.providerMessageId && <code>{report.providerMessageId}</code>],
              [t.messages.segments, size && t.trial.size(t.templates.segments(size.segments), size.encoding === "gsm7" ? "GSM-7" : "UCS-2")],
            ]}
          />
        )}
      </Notice>
      {report.unknownVariables.length > 0 && <Notice tone="warn">{t.templates.unknown(report.unknownVariables.join(", "))}</Notice>}
      <details open>
        <summary>{t.trial.steps}</summary>
        <Trace events={report.trace} />
      </details>
      {report.requests.length > 0 && (
        <details open>
          <summary>{report.outcome === "dry-run" ? t.trial.requestDry : t.trial.request}</summary>
          <Requests requests={report.requests} />
        </details>
      )}
      <Answers events={report.trace} />
      <details>
        <summary>{t.trial.used}</summary>
        <Used used={report.used} />
      </details>
    </div>
  );
}
