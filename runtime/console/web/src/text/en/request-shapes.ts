import { plural } from "../plural";

export const requestShapes = {
  requestShapes: {
    title: "Requests",
    help: "The requests that this version sends. Sealed values are in square brackets, values from Sendbox in braces. Sendbox holds back requests of any other shape.",
    none: "No requests of this version yet. Send a test message with it.",
    heldTitle: "Requests were held back",
    heldHelp: "This version tried to send requests of a shape that was never tested. They were not sent. Approve one only if you know why the version sends it.",
    origin: {
      rehearsed: "From a dry run",
      test: "From a test message",
      canary: "From a canary",
      first: "From the first message",
      held: "Held back",
      approved: "Approved",
    },
    isNew: "New",
    by: (who: string) => `by ${who}`,
    requests: (count: number) => plural(count, "request", "requests"),
    added: "Added line",
    removed: "Removed line",
    approve: "Approve",
    approveTitle: "Allow this request?",
    approveHelp: "From the next message, this version may send requests of exactly this shape.",
    changes: "Differences from the tested requests",
    lines: "Lines of the request",
    heldRequest: "Held request",
    review: (connector: string) => `Review it with the versions of ${connector}`,
  },
};
