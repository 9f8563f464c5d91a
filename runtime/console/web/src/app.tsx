// The routes, and who may see which page.

import { lazy, Suspense, useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, Outlet, Route, Routes, useLocation, useParams } from "react-router";
import { Problem } from "./api/client";
import { sessionQuery, tenantQuery } from "./api/queries";
import type { Session } from "./api/types";
import { focusHeadingOnLoad } from "./components/focus";
import { PageHeader } from "./components/layout";
import { ErrorNotice, Loading } from "./components/loaded";
import { Empty } from "./components/notice";
import { SignIn } from "./pages/sign-in";
import { Shell } from "./shell";
import { useTexts } from "./text";

const Tenants = lazy(() => import("./pages/tenants"));
const Overview = lazy(() => import("./pages/overview"));
const Connectors = lazy(() => import("./pages/connectors"));
const SharedConnectors = lazy(() => import("./pages/shared-connectors"));
const ConnectionPage = lazy(() => import("./pages/connection/connection"));
const Versions = lazy(() => import("./pages/versions/versions"));
const Messages = lazy(() => import("./pages/messages"));
const MessagePage = lazy(() => import("./pages/message"));
const Ingresses = lazy(() => import("./pages/ingress/ingresses"));
const ChoosePlatform = lazy(() => import("./pages/ingress/choose-platform"));
const NewIngress = lazy(() => import("./pages/ingress/new-ingress"));
const IngressPage = lazy(() => import("./pages/ingress/ingress"));
const Webhooks = lazy(() => import("./pages/webhooks/webhooks"));
const Flows = lazy(() => import("./pages/flows"));
const PolicyPage = lazy(() => import("./pages/policy/policy"));
const Keys = lazy(() => import("./pages/keys"));
const Audit = lazy(() => import("./pages/audit"));
const Phone = lazy(() => import("./pages/phone"));

export function App() {
  const session = useQuery(sessionQuery);
  const wasSignedIn = useRef(false);
  useEffect(() => {
    if (session.data) wasSignedIn.current = true;
  }, [session.data]);
  if (session.isPending) {
    return (
      <main className="standalone">
        <Loading />
      </main>
    );
  }
  if (session.isError && session.data === undefined) {
    return (
      <main className="standalone">
        <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  if (!session.data) return <SignIn ended={wasSignedIn.current} />;
  return <SignedIn session={session.data} />;
}

function SignedIn({ session }: { session: Session }) {
  const ownTenant = session.tenant;
  const home = ownTenant ? `/t/${ownTenant}` : "/tenants";
  return (
    <Shell session={session}>
      <Focus />
      <Suspense fallback={<Loading />}>
        <Routes>
          <Route path="/" element={<Navigate to={home} replace />} />
          <Route path="/tenants" element={ownTenant ? <Navigate to={home} replace /> : <Tenants />} />
          {!ownTenant && (
            <Route path="/all">
              <Route path="connectors" element={<SharedConnectors />} />
              <Route path="connectors/:connector/versions" element={<Versions />} />
            </Route>
          )}
          <Route path="/t/:tenant" element={<OfTenant />}>
            <Route index element={<Overview />} />
            <Route path="connectors" element={<Connectors />} />
            <Route path="connectors/:connector/set-up" element={<ConnectionPage />} />
            <Route path="connectors/:connector/versions" element={<Versions />} />
            <Route path="connections/:connection" element={<ConnectionPage />} />
            <Route path="messages" element={<Messages />} />
            <Route path="messages/:message" element={<MessagePage />} />
            <Route path="ingresses" element={<Ingresses />} />
            <Route path="ingresses/:ingress" element={<IngressPage />} />
            <Route path="platforms" element={<ChoosePlatform />} />
            <Route path="platforms/:kind/set-up" element={<NewIngress />} />
            <Route path="webhooks" element={<Webhooks />} />
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

/** Scrolls a new page to its top and focuses its heading. */
function Focus() {
  const { pathname } = useLocation();
  const first = useRef(true);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    focusHeadingOnLoad();
  }, [pathname]);
  return null;
}

/** The pages of a tenant, or a page that says that there is no such tenant. */
function OfTenant() {
  const t = useTexts();
  const { tenant = "" } = useParams();
  const query = useQuery(tenantQuery(tenant));
  if (!(query.error instanceof Problem && query.error.status === 404)) return <Outlet />;
  return (
    <>
      <PageHeader title={t.notFound.tenant(tenant)} lead={t.notFound.tenantHelp} />
      <Empty title={<Link to="/">{t.notFound.home}</Link>} />
    </>
  );
}

function NotFound() {
  const t = useTexts();
  return (
    <>
      <PageHeader title={t.notFound.title} />
      <Empty title={<Link to="/">{t.notFound.home}</Link>} />
    </>
  );
}
