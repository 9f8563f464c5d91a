import type { Texts } from "../en";

export const tenants: Pick<Texts, "tenants"> = {
  tenants: {
    title: "Mandanten",
    lead: "Jeder Mandant hat eigene Verbindungen, Limits, Nachrichten und API-Schlüssel.",
    create: "Mandant erstellen",
    name: "Name",
    nameHelp: "Ein Anzeigename. Sie können ihn später ändern.",
    id: "ID",
    idHelp: "3 bis 40 Zeichen aus a–z, 0–9 und „-“. Wird erzeugt, wenn Sie das Feld leer lassen, und lässt sich später nicht ändern.",
    environment: "Umgebung",
    development: "Entwicklung",
    developmentHelp: "Zum Ausprobieren. Alle Abläufe sind eingeschaltet.",
    production: "Produktion",
    productionHelp: "Für Ihre Nutzer. Anfangs gesperrt: Alle Abläufe sind ausgeschaltet, und kein Land ist erlaubt.",
    empty: "Noch keine Mandanten",
    emptyHelp: "Erstellen Sie zuerst einen Mandanten für die Entwicklung. Dort testen Sie Verbindungen und übernehmen sie dann in die Produktion.",
    sends: (name) => `Sendet mit ${name}`,
    sendsNot: "Kann noch nicht senden",
    filter: "Mandanten suchen",
    settingsOf: (name) => `Einstellungen von „${name}“`,
    deleteTitle: (name) => `„${name}“ löschen?`,
    deleteHelp:
      "Damit werden auch Verbindungen, Secrets, API-Schlüssel, Nachrichten und Verifizierungen gelöscht. Das lässt sich nicht rückgängig machen, und die Plattform kann ab sofort nicht mehr senden.",
    typeId: (id) => `Geben Sie zur Bestätigung „${id}“ ein`,
    created: "Erstellt am",
  },
};
