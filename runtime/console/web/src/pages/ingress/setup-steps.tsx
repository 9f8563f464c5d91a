// How to set up the platform: what to do, and what to paste. What is pasted contains secrets, which are hidden like everywhere.

import type { Ingress } from "../../api/types";
import { CopyButton } from "../../components/button";
import { Card } from "../../components/layout";
import { useTexts } from "../../text";
import { fullAddress } from "./address";
import { CONCEALED, ShowButton } from "./secrets";
import { ServerSentence } from "./sentence";

interface SetupProps {
  ingress: Ingress;
  address: string;
  shown: boolean;
  onShow: (shown: boolean) => void;
}

export function SetupSteps({ ingress, address, shown, onShow }: SetupProps) {
  const t = useTexts();
  const secrets = ingress.authentication.secrets ?? [];
  const snippets = ingress.setup.map(({ snippet }) => snippet?.replaceAll(address, fullAddress(address)));
  const concealed = (snippet: string) => secrets.reduce((text, secret) => text.replaceAll(secret, CONCEALED), snippet);
  const hasSecret = snippets.some((snippet) => snippet !== undefined && concealed(snippet) !== snippet);
  return (
    <Card title={t.ingressPage.setup} actions={hasSecret && <ShowButton shown={shown} onShow={onShow} />}>
      <ol className="setup-steps">
        {ingress.setup.map(({ instruction }, index) => {
          const snippet = snippets[index];
          return (
            <li key={instruction}>
              <p><ServerSentence text={instruction} /></p>
              {snippet !== undefined && (
                <div className="snippet">
                  <pre tabIndex={0}>{shown ? snippet : concealed(snippet)}</pre>
                  <CopyButton text={snippet} name={t.ingressPage.snippet(index + 1)} />
                </div>
              )}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
