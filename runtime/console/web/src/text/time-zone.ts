// The time zone of the times that pages show: the browser's, or UTC, as logs of servers have it.

import { useSyncExternalStore } from "react";

export type TimeZone = "local" | "utc";

const STORAGE_KEY = "sendbox.time-zone";
const listeners = new Set<() => void>();

const current = (): TimeZone => (localStorage.getItem(STORAGE_KEY) === "utc" ? "utc" : "local");

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTimeZone(): [TimeZone, (zone: TimeZone) => void] {
  const zone = useSyncExternalStore(subscribe, current);
  const choose = (next: TimeZone) => {
    localStorage.setItem(STORAGE_KEY, next);
    for (const listener of listeners) listener();
  };
  return [zone, choose];
}
