import type { Ingress } from "../../api/types";
import { Badge } from "../../components/badge";
import { useTexts } from "../../text";

/** Whether the platform's secret has yet to be entered. Unknown, thus `false`, to a key without the scope `manage`. */
export const lacksSecret = ({ authentication: { type, secrets } }: Ingress): boolean => type !== "none" && secrets?.length === 0;

/** Whether calls are answered. */
export function IngressState({ ingress }: { ingress: Ingress }) {
  const t = useTexts();
  return (
    <>
      {ingress.enabled ? <Badge tone="good">{t.ingress.enabled}</Badge> : <Badge>{t.ingress.disabled}</Badge>}
      {lacksSecret(ingress) && <Badge tone="warn">{t.ingress.secretMissing}</Badge>}
    </>
  );
}
