export const flows = {
  flows: {
    title: "Flows",
    lead: "Which of your platform’s flows may send messages. What is off is refused before anything happens.",
    noConnection: "No connection is active, so nothing can be sent yet.",
    chooseConnection: "Set up a connector",
    saved: "Saved. It holds from the next message on.",
    sentBy: (connection: string) => `Messages are sent by “${connection}”.`,
  },
};
