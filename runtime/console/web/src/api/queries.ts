// The queries that several pages share, each under one key, so that a change refreshes every page that shows it.

import { QueryCache, QueryClient, MutationCache, queryOptions, useQuery } from "@tanstack/react-query";
import { apiPath, call, ingressPath, Problem, setCsrfToken } from "./client";
import type {
  ActiveConnection, Connection, ConnectorDetail, ConnectorSummary, DemoAccount, Ingress, IngressCall, Message, PhoneMessages,
  Policy, Session, Tenant, WebhookEndpoint,
} from "./types";

/** When the session has ended, every page gives way to the sign-in page. */
function onError(error: unknown): void {
  if (error instanceof Problem && error.status === 401) client.setQueryData(["session"], null);
}

export const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      // Retry once where the server says that this may help; then the page shows the error and offers to try again.
      retry: (count, error) => count < 1 && error instanceof Problem && error.document?.retryAfter !== undefined,
      retryDelay: 1000,
      staleTime: 2000,
      refetchOnWindowFocus: true,
    },
  },
});

/** `null` when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      const session = await call<Session>("/v1/session", { signal });
      setCsrfToken(session.csrfToken);
      return session;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Infinity,
});

export const tenantQuery = (tenant: string) =>
  queryOptions({ queryKey: ["tenant", tenant], queryFn: ({ signal }) => call<Tenant>(apiPath(tenant), { signal }) });

/** Built-in connectors, those of all tenants, and the tenant's own. */
export const connectorsQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "connectors"],
    queryFn: ({ signal }) => call<ConnectorSummary[]>(apiPath(tenant, "connectors"), { signal }),
  });

export const connectorQuery = (tenant: string, id: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "connector", id],
    queryFn: ({ signal }) => call<ConnectorDetail>(apiPath(tenant, `connectors/${encodeURIComponent(id)}`), { signal }),
  });

export const connectionsQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "connections"],
    queryFn: ({ signal }) => call<Connection[]>(apiPath(tenant, "connections"), { signal }),
  });

export const connectionQuery = (tenant: string, name: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "connection", name],
    queryFn: ({ signal }) => call<Connection>(apiPath(tenant, `connections/${encodeURIComponent(name)}`), { signal }),
    // Each answer keeps its revision.
    structuralSharing: false,
  });

export const activeQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "active"],
    queryFn: ({ signal }) => call<ActiveConnection>(apiPath(tenant, "active-connection"), { signal }),
  });

export const policyQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "policy"],
    queryFn: ({ signal }) => call<Policy>(apiPath(tenant, "policy"), { signal }),
    // Each answer keeps its revision.
    structuralSharing: false,
  });

export const messageQuery = (tenant: string, id: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "message", id],
    queryFn: ({ signal }) => call<Message>(apiPath(tenant, `messages/${encodeURIComponent(id)}`), { signal }),
  });

export const ingressesQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "ingresses"],
    queryFn: ({ signal }) => call<Ingress[]>(apiPath(tenant, "ingresses"), { signal }),
  });

export const ingressQuery = (tenant: string, name: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "ingress", name],
    queryFn: ({ signal }) => call<Ingress>(apiPath(tenant, ingressPath(name)), { signal }),
  });

export const webhookEndpointsQuery = (tenant: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "webhook-endpoints"],
    queryFn: ({ signal }) => call<WebhookEndpoint[]>(apiPath(tenant, "webhook-endpoints"), { signal }),
  });

/** Of every query of events. */
export const eventsKey = (tenant: string) => ["tenant", tenant, "events"];

/** The newest calls of an ingress, newest first. */
export const ingressCallsQuery = (tenant: string, name: string) =>
  queryOptions({
    queryKey: ["tenant", tenant, "ingress", name, "calls"],
    queryFn: ({ signal }) => call<IngressCall[]>(apiPath(tenant, ingressPath(name, "calls")), { signal }),
  });

/** Whether the session's key may change the tenant's settings. */
export function useMayManage(): boolean {
  const { data } = useQuery(sessionQuery);
  return data?.principal === "platform" || (data?.scopes.includes("manage") ?? false);
}

/** Whether the server has no such path: only a demo has a phone and accounts. */
function isMissing(error: unknown): boolean {
  return error instanceof Problem && (error.status === 404 || error.status === 405);
}

/** The phone of a demo; `null` on any other server. */
export function usePhone(live: boolean) {
  return useQuery({
    queryKey: ["phone"],
    queryFn: async ({ signal }): Promise<PhoneMessages | null> => {
      try {
        return await call<PhoneMessages>("/demo/phone/messages", { signal });
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    },
    refetchInterval: (query) => (live && query.state.data ? 1000 : false),
    staleTime: live ? 0 : Infinity,
  });
}

/** The accounts of a demo's simulated providers; none on any other server. */
export const demoAccountsQuery = queryOptions({
  queryKey: ["demo", "accounts"],
  queryFn: async ({ signal }): Promise<DemoAccount[]> => {
    try {
      return await call<DemoAccount[]>("/demo/accounts", { signal });
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  staleTime: Infinity,
});

/** Fetches everything that pages show of a tenant again. */
export function refresh(tenant: string): Promise<void> {
  return client.invalidateQueries({ queryKey: ["tenant", tenant] });
}
