import type { Texts } from "../en";

export const phone: Pick<Texts, "phone"> = {
  phone: {
    title: "Telefon",
    lead: "Die Nachrichten, die der simulierte Anbieter angenommen hat. Nichts verlässt diesen Computer.",
    empty: "Noch keine Nachrichten",
    emptyHelp: "Senden Sie beim Einrichten eines Konnektors eine Testnachricht, oder starten Sie eine Verifizierung. Die Nachricht erscheint hier.",
    try: "Ausprobieren",
    tryHelp: "Startet eine Verifizierung, wie es Ihre Plattform tun würde, und prüft den Code, den Sie auf dem Telefon lesen.",
    start: "Code senden",
    code: "Code",
    check: "Code prüfen",
    approved: "Richtig. Ein Code gilt nur einmal: Eine zweite Prüfung würde abgelehnt.",
    to: "Telefonnummer",
    by: (provider) => `über ${provider}`,
    started: "Der Code ist unterwegs.",
  },
};
