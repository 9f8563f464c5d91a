import type { Texts } from "../en";

export const phone: Pick<Texts, "phone"> = {
  phone: {
    title: "Das Telefon",
    lead: "Was der nachgestellte Anbieter angenommen hat. Nichts verlässt diesen Rechner.",
    empty: "Noch keine Nachricht.",
    emptyHelp: "Senden Sie beim Einrichten eine Probe, oder beginnen Sie eine Prüfung. Sie erscheint hier.",
    try: "Ausprobieren",
    tryHelp: "Beginnt eine Prüfung, wie Ihre Plattform es täte, und prüft den Code, den Sie auf dem Telefon lesen.",
    start: "Einen Code senden",
    code: "Code",
    check: "Code prüfen",
    approved: "Richtig. Ein zweites Mal würde er abgelehnt: Ein Code gilt einmal.",
    to: "Nummer",
    by: (provider) => `über ${provider}`,
    started: "Ein Code ist unterwegs.",
  },
};
