export const signIn = {
  signIn: {
    title: "Sign in",
    lead: "With the platform key, or with a key of your tenant.",
    key: "Key",
    submit: "Sign in",
    working: "Signing in…",
    wrong: "This key is unknown, expired or revoked.",
    where: "The platform key was shown when Sendbox started for the first time. Keys of a tenant are made under “Keys”.",
    safe: "The key is exchanged for a session that no script can read. It is not kept in the browser.",
    ended: "Your session has ended. Sign in again to go on.",
    show: "Show key",
    hide: "Hide key",
  },
};
