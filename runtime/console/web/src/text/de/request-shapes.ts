import { plural } from "../plural";
import type { Texts } from "../en";

export const requestShapes: Pick<Texts, "requestShapes"> = {
  requestShapes: {
    title: "Anfragen",
    help: "Die Anfragen, die diese Version sendet. Versiegelte Werte stehen in eckigen Klammern, Werte von Sendbox in geschweiften. Anfragen mit anderer Struktur hält Sendbox zurück.",
    none: "Noch keine Anfragen dieser Version. Senden Sie mit ihr eine Testnachricht.",
    heldTitle: "Anfragen wurden zurückgehalten",
    heldHelp: "Diese Version wollte Anfragen mit einer Struktur senden, die nie getestet wurde. Sie wurden nicht gesendet. Geben Sie eine Anfrage nur frei, wenn Sie wissen, warum die Version sie sendet.",
    origin: {
      rehearsed: "Aus einem Probelauf",
      test: "Aus einer Testnachricht",
      canary: "Aus einem Canary",
      first: "Aus der ersten Nachricht",
      held: "Zurückgehalten",
      approved: "Freigegeben",
    },
    isNew: "Neu",
    by: (who) => `von ${who}`,
    requests: (count) => plural(count, "Anfrage", "Anfragen"),
    added: "Hinzugefügte Zeile",
    removed: "Entfernte Zeile",
    approve: "Freigeben",
    approveTitle: "Diese Anfrage freigeben?",
    approveHelp: "Ab der nächsten Nachricht darf diese Version Anfragen mit genau dieser Struktur senden.",
    changes: "Unterschiede zu den getesteten Anfragen",
    lines: "Zeilen der Anfrage",
    heldRequest: "Zurückgehaltene Anfrage",
    review: (connector) => `Bei den Versionen von ${connector} prüfen`,
  },
};
