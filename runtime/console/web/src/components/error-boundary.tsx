// Keeps a part of the page that cannot be drawn from taking the rest with it. What a connector's author wrote is shown in such a part.

import { Component, type ReactNode } from "react";
import { useTexts } from "../text";
import { Notice } from "./notice";

function NotShown() {
  const t = useTexts();
  return (
    <Notice tone="bad" title={t.problem.notShown} announce>
      {t.problem.notShownAdvice}
    </Notice>
  );
}

export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <NotShown /> : this.props.children;
  }
}

/** For the router, which shows it in place of the whole page. */
export function PageFailed() {
  return (
    <main className="standalone">
      <NotShown />
    </main>
  );
}
