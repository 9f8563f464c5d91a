import type { Texts } from "../en";

export const requestShapes: Pick<Texts, "requestShapes"> = {
  requestShapes: {
    title: "Anfragen",
    help: "Was diese Version sendet. Versiegelte Werte stehen in eckigen Klammern, Werte von Sendbox in geschweiften. Eine Anfrage anderer Form wird zurückgehalten.",
    none: "Von dieser Version ist noch keine Anfrage bekannt. Senden Sie mit ihr eine Testnachricht.",
    heldTitle: "Anfragen wurden zurückgehalten",
    heldHelp: "Diese Version wollte Anfragen in einer Form senden, die nie getestet wurde. Nichts davon ist hinausgegangen. Genehmigen Sie eine nur, wenn Sie wissen, warum die Version sie sendet.",
    origin: {
      rehearsed: "Geprobt",
      test: "Aus einem Test",
      canary: "Aus einem Canary",
      first: "Aus der ersten Nachricht",
      held: "Zurückgehalten",
      approved: "Genehmigt",
    },
    isNew: "Neu",
    by: (who: string) => `von ${who}`,
    requests: (count: number) => (count === 1 ? "1 Anfrage" : `${count} Anfragen`),
    added: "Neue Zeile",
    removed: "Fehlende Zeile",
    approve: "Genehmigen",
    approveTitle: "Darf diese Version diese Anfrage senden?",
    approveHelp: "Ab der nächsten Nachricht darf die Version Anfragen genau dieser Form senden.",
    changes: "Abweichung vom Getesteten",
    heldRequest: "Die zurückgehaltene Anfrage",
  },
};
