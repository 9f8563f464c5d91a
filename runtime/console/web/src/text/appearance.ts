// Light, dark, or as the system is set. Stored in this browser.

import { useEffect, useState } from "react";

export type Appearance = "system" | "light" | "dark";

const STORAGE_KEY = "sendbox.appearance";

function storedAppearance(): Appearance {
  const value = localStorage.getItem(STORAGE_KEY);
  return value === "light" || value === "dark" ? value : "system";
}

function applyAppearance(appearance: Appearance): void {
  if (appearance === "system") delete document.documentElement.dataset["appearance"];
  else document.documentElement.dataset["appearance"] = appearance;
}

applyAppearance(storedAppearance());

export function useAppearance(): [Appearance, (appearance: Appearance) => void] {
  const [appearance, setAppearance] = useState(storedAppearance);
  useEffect(() => {
    localStorage.setItem(STORAGE_KEY, appearance);
    applyAppearance(appearance);
  }, [appearance]);
  return [appearance, setAppearance];
}
