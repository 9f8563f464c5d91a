export const phone = {
  phone: {
    title: "The phone",
    lead: "What the simulated provider has taken. Nothing leaves this machine.",
    empty: "No message yet.",
    emptyHelp: "Send a test message while you set up a connector, or start a verification. It appears here.",
    try: "Try it",
    tryHelp: "Starts a verification as your platform would, and checks the code that you read on the phone.",
    start: "Send a code",
    code: "Code",
    check: "Check the code",
    approved: "Right. A second time it would be refused: a code verifies once.",
    to: "Number",
    by: (provider: string) => `by ${provider}`,
    started: "A code is on its way.",
  },
};
