import type { Texts } from "../en";

export const flows: Pick<Texts, "flows"> = {
  flows: {
    title: "Abläufe",
    lead: "Welche Abläufe Ihrer Plattform Nachrichten senden dürfen. Was aus ist, wird abgelehnt, bevor etwas geschieht.",
    noConnection: "Keine Verbindung ist aktiv, darum kann noch nichts gesendet werden.",
    chooseConnection: "Einen Konnektor einrichten",
    saved: "Gespeichert. Es gilt von der nächsten Nachricht an.",
    sentBy: (connection) => `Nachrichten sendet „${connection}“.`,
  },
};
