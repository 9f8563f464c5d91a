// Which page stands at which path, and who may see it.

import { lazy, Suspense, useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, Route, Routes, useLocation } from "react-router";
import { sessionQuery } from "./api/queries";
import type { Session } from "./api/types";
import { Empty, PageHead } from "./parts/basics";
import { awaitHeading } from "./parts/focus";
import { Failed, Waiting } from "./parts/loaded";
import { SignIn } from "./pages/sign-in";
import { Shell } from "./shell";
import { useTexts } from "./text";

const Tenants = lazy(() => import("./pages/tenants"));
const Overview = lazy(() => import("./pages/overview"));
const Connectors = lazy(() => import("./pages/connectors"));
const SharedConnectors = lazy(() => import("./pages/shared"));
const Setup = lazy(() => import("./pages/setup"));
const Versions = lazy(() => import("./pages/versions"));
const Messages = lazy(() => import("./pages/messages"));
const MessagePage = lazy(() => import("./pages/message"));
const Flows = lazy(() => import("./pages/flows"));
const PolicyPage = lazy(() => import("./pages/policy"));
const Keys = lazy(() => import("./pages/keys"));
const Audit = lazy(() => import("./pages/audit"));
const Phone = lazy(() => import("./pages/phone"));

export function App() {
  const session = useQuery(sessionQuery);
  const wasIn = useRef(false);
  useEffect(() => {
    if (session.data) wasIn.current = true;
  }, [session.data]);
  if (session.isPending) {
    return (
      <main className="alone">
        <Waiting />
      </main>
    );
  }
  if (session.isError && session.data === undefined) {
    return (
      <main className="alone">
        <Failed error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  if (!session.data) return <SignIn ended={wasIn.current} />;
  return <SignedIn session={session.data} />;
}

function SignedIn({ session }: { session: Session }) {
  const own = session.tenant;
  const home = own ? `/t/${own}` : "/tenants";
  return (
    <Shell session={session}>
      <Focus />
      <Suspense fallback={<Waiting />}>
        <Routes>
          <Route path="/" element={<Navigate to={home} replace />} />
          <Route path="/tenants" element={own ? <Navigate to={home} replace /> : <Tenants />} />
          {!own && (
            <Route path="/all">
              <Route path="connectors" element={<SharedConnectors />} />
              <Route path="connectors/:connector/versions" element={<Versions />} />
            </Route>
          )}
          <Route path="/t/:tenant">
            <Route index element={<Overview />} />
            <Route path="connectors" element={<Connectors />} />
            <Route path="connectors/:connector/set-up" element={<Setup />} />
            <Route path="connectors/:connector/versions" element={<Versions />} />
            <Route path="connections/:connection" element={<Setup />} />
            <Route path="messages" element={<Messages />} />
            <Route path="messages/:message" element={<MessagePage />} />
            <Route path="flows" element={<Flows />} />
            <Route path="policy" element={<PolicyPage />} />
            <Route path="keys" element={<Keys />} />
            <Route path="audit" element={<Audit />} />
            <Route path="phone" element={<Phone />} />
          </Route>
          <Route path="*" element={<NotFound />} />
        </Routes>
      </Suspense>
    </Shell>
  );
}

/** A new page begins at its top, and with its heading. */
function Focus() {
  const { pathname } = useLocation();
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    awaitHeading();
  }, [pathname]);
  return null;
}

function NotFound() {
  const t = useTexts();
  return (
    <>
      <PageHead title={t.notFound.title} />
      <Empty title={<Link to="/">{t.notFound.home}</Link>} />
    </>
  );
}
