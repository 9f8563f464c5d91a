export const flows = {
  flows: {
    title: "Flows",
    lead: "Choose which flows of your platform may send messages. Requests for a flow that is off are rejected.",
    noConnection: "No connection is active, so nothing can be sent yet.",
    chooseConnection: "Set up a connector",
    saved: "Saved. Applies from the next message.",
    sentBy: (connection: string) => `Messages are sent with “${connection}”.`,
  },
};
