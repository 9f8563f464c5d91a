import type { Texts } from "../en";

export const flows: Pick<Texts, "flows"> = {
  flows: {
    title: "Abläufe",
    lead: "Wählen Sie, welche Abläufe Ihrer Plattform Nachrichten senden dürfen. Anfragen für ausgeschaltete Abläufe werden abgelehnt.",
    noConnection: "Keine Verbindung ist aktiv, deshalb kann noch nichts gesendet werden.",
    chooseConnection: "Konnektor einrichten",
    saved: "Gespeichert. Gilt ab der nächsten Nachricht.",
    sentBy: (connection) => `Nachrichten werden über „${connection}“ gesendet.`,
  },
};
