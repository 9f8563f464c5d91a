// Light, dark, or as the system has it. Kept in this browser.

import { useEffect, useState } from "react";

export type Appearance = "system" | "light" | "dark";

const KEPT = "sendbox.appearance";

function kept(): Appearance {
  const value = localStorage.getItem(KEPT);
  return value === "light" || value === "dark" ? value : "system";
}

function show(appearance: Appearance): void {
  if (appearance === "system") delete document.documentElement.dataset["appearance"];
  else document.documentElement.dataset["appearance"] = appearance;
}

show(kept());

export function useAppearance(): [Appearance, (appearance: Appearance) => void] {
  const [appearance, setAppearance] = useState(kept);
  useEffect(() => {
    localStorage.setItem(KEPT, appearance);
    show(appearance);
  }, [appearance]);
  return [appearance, setAppearance];
}
