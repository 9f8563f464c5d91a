// The requests of a version.

export const shapes = {
  shapes: {
    title: "Requests",
    help: "What this version sends. Sealed values are in square brackets, values that Sendbox gave to the connector in braces. A request of another shape is held back.",
    none: "No request of this version has been seen yet. Send a test message with it.",
    heldTitle: "Requests were held back",
    heldHelp: "This version tried to send requests of a shape that was never tested. Nothing of them left. Approve one only if you know why the version sends it.",
    origin: {
      rehearsed: "Rehearsed",
      test: "Seen in a test",
      canary: "Seen in a canary",
      first: "Seen in the first message",
      held: "Held back",
      approved: "Approved",
    },
    isNew: "New",
    by: (who: string) => `by ${who}`,
    requests: (count: number) => (count === 1 ? "1 request" : `${count} requests`),
    added: "New line",
    removed: "Missing line",
    approve: "Approve",
    approveTitle: "Let this version send this request?",
    approveHelp: "From the next message on, the version may send requests of exactly this shape.",
    changes: "What differs from what was tested",
    heldRequest: "The request that was held back",
  },
};
