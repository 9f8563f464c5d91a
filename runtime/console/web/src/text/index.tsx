// The language of the page: the one that was chosen, else the browser's. Formats dates and numbers accordingly.

import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { de } from "./de";
import { en, type Texts } from "./en";
import { useTimeZone } from "./time-zone";

export type { Texts };

/** The supported languages. To add one, add its texts here. */
export const languages: Texts[] = [en, de];

const STORAGE_KEY = "sendbox.language";

function preferred(): Texts {
  const wanted = [localStorage.getItem(STORAGE_KEY) ?? "", ...navigator.languages];
  for (const tag of wanted) {
    const found = languages.find((language) => tag.toLowerCase().split("-")[0] === language.code);
    if (found) return found;
  }
  return en;
}

interface LanguageState {
  t: Texts;
  setLanguage: (code: string) => void;
}

const LanguageContext = createContext<LanguageState>({ t: en, setLanguage: () => {} });

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [t, setTexts] = useState(preferred);
  useEffect(() => {
    document.documentElement.lang = t.code;
  }, [t]);
  const state = useMemo(
    () => ({
      t,
      setLanguage: (code: string) => {
        localStorage.setItem(STORAGE_KEY, code);
        setTexts(languages.find((language) => language.code === code) ?? en);
      },
    }),
    [t],
  );
  return <LanguageContext.Provider value={state}>{children}</LanguageContext.Provider>;
}

export function useTexts(): Texts {
  return useContext(LanguageContext).t;
}

export function useLanguage(): LanguageState {
  return useContext(LanguageContext);
}

/** Formats dates, numbers, money and names of countries. */
export function useFormat() {
  const t = useTexts();
  const [zone] = useTimeZone();
  return useMemo(() => {
    const tag = t.code === "en" ? "en-GB" : t.code;
    const timeZone = zone === "utc" ? "UTC" : undefined;
    const dateTime = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "medium", timeZone });
    const exact = new Intl.DateTimeFormat(tag, { dateStyle: "full", timeStyle: "long", timeZone });
    const date = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeZone });
    const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeZone: "UTC" });
    const hour = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short", timeZone });
    const time = new Intl.DateTimeFormat(tag, { timeStyle: "medium", timeZone });
    const number = new Intl.NumberFormat(tag);
    const percent = new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 });
    const relative = new Intl.RelativeTimeFormat(tag, { numeric: "auto" });
    const regions = new Intl.DisplayNames([tag], { type: "region" });
    const languagesOf = new Intl.DisplayNames([tag], { type: "language" });
    const named = (names: Intl.DisplayNames, code: string) => {
      try {
        return names.of(code) ?? code;
      } catch {
        return code;
      }
    };
    return {
      dateTime: (value: string | number) => dateTime.format(new Date(value)),
      /** With the day of the week and the time zone. */
      exact: (value: string | number) => exact.format(new Date(value)),
      date: (value: string | number) => date.format(new Date(value)),
      /** A day in UTC, as the server counts days. */
      day: (value: string | number) => day.format(new Date(value)),
      /** A date with hours and minutes. */
      hour: (value: string | number) => hour.format(new Date(value)),
      time: (value: string | number) => time.format(new Date(value)),
      number: (value: number) => number.format(value),
      percent: (value: number) => percent.format(value),
      country: (code: string) => (code === "001" ? "🌐 +8xx" : named(regions, code)),
      language: (code: string) => named(languagesOf, code),
      /** `3 minutes ago` */
      ago: (value: string | number) => {
        const seconds = (new Date(value).getTime() - Date.now()) / 1000;
        const steps: [Intl.RelativeTimeFormatUnit, number][] = [["second", 60], ["minute", 60], ["hour", 24], ["day", 1e9]];
        let left = seconds;
        for (const [unit, next] of steps) {
          if (Math.abs(left) < next) return relative.format(Math.round(left), unit);
          left /= next;
        }
        return dateTime.format(new Date(value));
      },
      micros: (micros: number) =>
        micros < 1000 ? `${number.format(micros)} µs` : micros < 1e6 ? `${number.format(Math.round(micros / 100) / 10)} ms` : `${number.format(Math.round(micros / 1e5) / 10)} s`,
      bytes: (bytes: number) =>
        bytes < 1024 ? `${number.format(bytes)} B` : bytes < 1 << 20 ? `${number.format(Math.round(bytes / 102.4) / 10)} KiB` : `${number.format(Math.round(bytes / 104857.6) / 10)} MiB`,
      money: (millionths: number, currency: string) => {
        try {
          return new Intl.NumberFormat(tag, { style: "currency", currency, maximumFractionDigits: 4 }).format(millionths / 1e6);
        } catch {
          return `${number.format(millionths / 1e6)} ${currency}`;
        }
      },
    };
  }, [t, zone]);
}
