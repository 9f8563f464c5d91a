import type { Texts } from "../en";

export const tenants: Pick<Texts, "tenants"> = {
  tenants: {
    title: "Mandanten",
    lead: "Jeder Mandant hat eigene Verbindungen, Grenzen, Nachrichten und Schlüssel.",
    create: "Neuer Mandant",
    name: "Name",
    nameHelp: "Für Menschen. Er lässt sich später ändern.",
    id: "Kennung",
    idHelp: "3 bis 40 Zeichen aus a–z, 0–9 und „-“. Wird erdacht, wenn sie leer bleibt. Sie ist nicht änderbar.",
    environment: "Wofür er ist",
    development: "Entwicklung",
    developmentHelp: "Zum Ausprobieren. Alle Abläufe sind an.",
    production: "Produktion",
    productionHelp: "Für Endnutzer. Beginnt geschlossen: Kein Ablauf ist an, kein Land erlaubt.",
    empty: "Es gibt noch keinen Mandanten.",
    emptyHelp: "Beginnen Sie mit einem für die Entwicklung: Dort werden Verbindungen geprüft und dann in die Produktion übernommen.",
    sends: (name) => `sendet mit ${name}`,
    sendsNot: "kann noch nicht senden",
    filter: "Mandant suchen",
    settingsOf: (name) => `Einstellungen von „${name}“`,
    deleteTitle: (name) => `„${name}“ löschen?`,
    deleteHelp: "Verbindungen, Geheimnisse, Schlüssel, Nachrichten und Prüfungen werden mit gelöscht. Sie sind nicht zurückzuholen, und die Plattform kann von diesem Moment an nicht mehr senden.",
    typeId: (id) => `Zum Fortfahren „${id}“ eingeben`,
    created: "Angelegt",
  },
};
