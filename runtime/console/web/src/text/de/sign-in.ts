import type { Texts } from "../en";

export const signIn: Pick<Texts, "signIn"> = {
  signIn: {
    title: "Anmelden",
    lead: "Verwenden Sie den Plattformschlüssel oder einen API-Schlüssel Ihres Mandanten.",
    key: "Schlüssel",
    submit: "Anmelden",
    working: "Anmeldung läuft …",
    wrong: "Dieser Schlüssel ist unbekannt, abgelaufen oder widerrufen.",
    where: "Den Plattformschlüssel hat Sendbox beim ersten Start ausgegeben. Schlüssel eines Mandanten erstellen Sie unter „API-Schlüssel“.",
    safe: "Ihr Schlüssel wird gegen eine Sitzung eingetauscht, die kein Skript lesen kann. Der Browser speichert ihn nicht.",
    ended: "Ihre Sitzung ist beendet. Melden Sie sich erneut an, um fortzufahren.",
    show: "Schlüssel anzeigen",
    hide: "Schlüssel verbergen",
  },
};
