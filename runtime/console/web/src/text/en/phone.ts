export const phone = {
  phone: {
    title: "Phone",
    lead: "The messages that the simulated provider accepted. Nothing leaves this computer.",
    empty: "No messages yet",
    emptyHelp: "Send a test message while you set up a connector, or start a verification. The message appears here.",
    try: "Try it out",
    tryHelp: "Starts a verification as your platform would, and checks the code that you read on the phone.",
    start: "Send code",
    code: "Code",
    check: "Check code",
    approved: "Correct. A code works only once: a second check would be rejected.",
    to: "Phone number",
    by: (provider: string) => `with ${provider}`,
    started: "The code is on its way.",
  },
};
