export const signIn = {
  signIn: {
    title: "Sign in",
    lead: "Use the platform key, or an API key of your tenant.",
    key: "Key",
    submit: "Sign in",
    working: "Signing in…",
    wrong: "This key is unknown, expired or revoked.",
    where: "Sendbox printed the platform key when it started for the first time. You create keys of a tenant under “API keys”.",
    safe: "Your key is exchanged for a session that scripts can’t read. The browser doesn’t store the key.",
    ended: "Your session has ended. Sign in again to continue.",
    show: "Show key",
    hide: "Hide key",
  },
};
