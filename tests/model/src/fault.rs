/// A guard that a model leaves out, to show that the search finds what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A process sends without asking whether it still has its lease.
    LeaseNotChecked,
    /// The end of an attempt is stored without comparing the lease (`messages::end_attempt_query`).
    LeaseNotCompared,
    /// A message is claimed although a process has leased it (`processes::IS_FREE`).
    LeasedMessageClaimed,
    /// The attempt is stored after the request was sent, and not before.
    SentBeforeStored,
    /// Expiry is checked when an attempt begins, and not again when its first byte leaves.
    ExpiryCheckedTooEarly,
    /// Cancelling a verification does not revoke what the same process is sending.
    CancelledSendNotRevoked,
    /// An attempt that a crash has interrupted is begun again, as if it had not been sent.
    CrashForgotten,
    /// A report and the end of its attempt do not take a common lock (`reports::lock`).
    ReportNotLocked,
    /// The end of an attempt does not assign the reports that are waiting for it (`reports::claim`).
    WaitingReportsIgnored,
    /// A process is deleted although it has counted a heartbeat since (`processes::delete_silent`).
    HeartbeatNotCompared,
    /// The validity of a heartbeat counts from when it was stored, and not from when it was begun.
    ValidFromEnd,
    /// A try is counted after the code was compared (`verifications::count_try`).
    TryCountedAfterCheck,
    /// A try is counted although none is left (`verifications::count_try`).
    TriesNotBounded,
    /// An approval does not ask whether the verification is pending (`verifications::approve`).
    PendingNotCompared,
    /// An approval does not ask whether the code is still one of the verification's (`verifications::approve`).
    CodeNotCompared,
    /// A resend ends the code before when it is stored, and not when its message may have left.
    EarlierCodeEndedAtOnce,
    /// The code before stays valid after the message with the later one has left (`verifications::end_earlier_codes`).
    EarlierCodeKept,
}
