// The frame of every page: navigation, the current tenant, language and appearance.

import { useEffect, useState, type ReactNode } from "react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Link, NavLink, useLocation, useNavigate } from "react-router";
import {
  BookOpen, Building2, Clock, Gauge, Globe, KeyRound, LogIn, LogOut, Menu, MessageSquareText, Moon, Plug, ScrollText, ShieldCheck, Smartphone,
  Sun, SunMoon, ToggleRight, Webhook, type LucideIcon,
} from "lucide-react";
import { call, Problem } from "./api/client";
import { client, tenantQuery, usePhone } from "./api/queries";
import type { Page, Session, Tenant } from "./api/types";
import { Badge } from "./components/badge";
import { languages, useLanguage } from "./text";
import { type Appearance, useAppearance } from "./text/appearance";
import { type TimeZone, useTimeZone } from "./text/time-zone";

export function Shell({ session, children }: { session: Session; children: ReactNode }) {
  const { t } = useLanguage();
  const { pathname } = useLocation();
  const named = /^\/t\/([^/]+)/.exec(pathname)?.[1];
  const found = useQuery({ ...tenantQuery(decodeURIComponent(named ?? "")), enabled: named !== undefined });
  // Nothing leads to the pages of a tenant that does not exist.
  const tenant = found.error instanceof Problem && found.error.status === 404 ? undefined : named;
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [pathname]);
  return (
    <div className="shell">
      <a className="skip" href="#content">{t.shell.skip}</a>
      <header className="top">
        {tenant && (
          <button
            type="button"
            className="icon-button menu"
            aria-label={t.shell.menu}
            aria-expanded={open}
            aria-controls="navigation"
            onClick={() => setOpen(!open)}
          >
            <Menu size={22} aria-hidden="true" />
          </button>
        )}
        <Link to="/" className="brand">
          <img src="/console/logo.svg" alt="" width={28} height={28} />
          <span>Sendbox</span>
        </Link>
        {tenant && <CurrentTenant tenant={decodeURIComponent(tenant)} session={session} />}
        <Settings session={session} />
      </header>
      <div className="shell-body">
        {tenant && <Navigation tenant={tenant} open={open} session={session} />}
        <main id="content" tabIndex={-1} className={tenant ? "" : "wide"}>{children}</main>
      </div>
    </div>
  );
}

function CurrentTenant({ tenant, session }: { tenant: string; session: Session }) {
  const { t } = useLanguage();
  const query = useQuery(tenantQuery(tenant));
  return (
    <div className="current-tenant">
      {session.principal === "platform" && <Link to="/tenants" className="all-tenants">{t.shell.allTenants}</Link>}
      {session.principal === "platform"
        ? <TenantSwitch tenant={tenant} name={query.data?.name ?? tenant} />
        : <span className="tenant-name">{query.data?.name ?? tenant}</span>}
      {query.data && (
        <Badge tone={query.data.environment === "production" ? "warn" : "info"}>{t.shell[query.data.environment]}</Badge>
      )}
    </div>
  );
}

/** Leads to the overview of another tenant. Of very many tenants, the list of all has a search. */
function TenantSwitch({ tenant, name }: { tenant: string; name: string }) {
  const { t } = useLanguage();
  const navigate = useNavigate();
  const { data } = useQuery({ queryKey: ["tenants", "switch"], queryFn: ({ signal }) => call<Page<Tenant>>("/v1/tenants?limit=200", { signal }) });
  const others = (data?.items ?? []).filter((one) => one.id !== tenant);
  if (others.length === 0) return <span className="tenant-name">{name}</span>;
  return (
    <select className="tenant-name" aria-label={t.shell.tenant} value={tenant} onChange={(event) => void navigate(`/t/${encodeURIComponent(event.target.value)}`)}>
      <option value={tenant}>{name}</option>
      {others.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
    </select>
  );
}

/** Whether times are those of the browser or in UTC. */
function TimeZoneSwitch() {
  const { t } = useLanguage();
  const [zone, setZone] = useTimeZone();
  return (
    <label className="time-zone">
      <Clock size={16} aria-hidden="true" />
      <span className="visually-hidden">{t.shell.timeZone}</span>
      <select value={zone} onChange={(event) => setZone(event.target.value as TimeZone)}>
        {(["local", "utc"] as const).map((one) => <option key={one} value={one}>{t.shell.timeZones[one]}</option>)}
      </select>
    </label>
  );
}

const icons: Record<Appearance, LucideIcon> = { system: SunMoon, light: Sun, dark: Moon };

function Settings({ session }: { session: Session }) {
  const { t, setLanguage } = useLanguage();
  const [appearance, setAppearance] = useAppearance();
  const Icon = icons[appearance];
  const signOut = useMutation({
    mutationFn: () => call("/v1/session", { method: "DELETE" }),
    onSettled: () => {
      client.clear();
      window.location.assign("/console/");
    },
  });
  return (
    <div className="settings">
      <label className="compact">
        <Globe size={16} aria-hidden="true" />
        <span className="visually-hidden">{t.shell.language}</span>
        <select value={t.code} onChange={(event) => setLanguage(event.target.value)}>
          {languages.map((language) => (
            <option key={language.code} value={language.code} lang={language.code}>{language.name}</option>
          ))}
        </select>
      </label>
      <label className="compact">
        <Icon size={16} aria-hidden="true" />
        <span className="visually-hidden">{t.shell.theme}</span>
        <select value={appearance} onChange={(event) => setAppearance(event.target.value as Appearance)}>
          {(["system", "light", "dark"] as const).map((one) => (
            <option key={one} value={one}>{t.shell.themes[one]}</option>
          ))}
        </select>
      </label>
      <button
        type="button"
        className="button quiet sign-out"
        onClick={() => signOut.mutate()}
        title={session.principal === "platform" ? t.shell.platform : t.shell.tenantKey}
      >
        <LogOut size={16} aria-hidden="true" />
        <span>{t.shell.signOut}</span>
      </button>
    </div>
  );
}

function Navigation({ tenant, open, session }: { tenant: string; open: boolean; session: Session }) {
  const { t } = useLanguage();
  const { pathname } = useLocation();
  const phone = usePhone(false);
  const base = `/t/${tenant}`;
  const connectors = `${base}/connectors`;
  const ingresses = `${base}/ingresses`;
  // Entries that are also active on the pages that are opened from there.
  const opened: Record<string, string> = { [connectors]: `${base}/connections/`, [ingresses]: `${base}/platforms` };
  const links: [string, string, LucideIcon][] = [
    [base, t.shell.overview, Gauge],
    [connectors, t.shell.connectors, Plug],
    [`${base}/messages`, t.shell.messages, MessageSquareText],
    [ingresses, t.shell.ingress, LogIn],
    [`${base}/webhooks`, t.shell.webhooks, Webhook],
    [`${base}/flows`, t.shell.flows, ToggleRight],
    [`${base}/policy`, t.shell.policy, ShieldCheck],
    [`${base}/keys`, t.shell.keys, KeyRound],
    [`${base}/audit`, t.shell.audit, ScrollText],
  ];
  if (phone.data) links.push([`${base}/phone`, t.shell.phone, Smartphone]);
  return (
    <nav id="navigation" className={open ? "side open" : "side"} aria-label={t.shell.navigation}>
      <ul>
        {session.principal === "platform" && (
          <li className="narrow-only">
            <Link to="/tenants"><Building2 size={18} aria-hidden="true" /> <span>{t.shell.allTenants}</span></Link>
          </li>
        )}
        {links.map(([path, name, Icon]) => (
          <li key={path}>
            <NavLink
              to={path}
              end={path === base}
              className={({ isActive }) => (isActive || (opened[path] !== undefined && pathname.startsWith(opened[path])) ? "active" : "")}
            >
              <Icon size={18} aria-hidden="true" />
              <span>{name}</span>
            </NavLink>
          </li>
        ))}
      </ul>
      <TimeZoneSwitch />
      <a className="reference" href="/docs" target="_blank" rel="noreferrer">
        <BookOpen size={16} aria-hidden="true" />
        {t.shell.reference}
      </a>
    </nav>
  );
}
