//! What a send ended with, held against what it must end with. Each fails the test when it is something else.

use sendbox_sandbox::policy::DenialRule;
use sendbox_sandbox::{ConnectorFault, Failure, FailureClass, RequestSent, SendReport, Violation};

use crate::lab::expect_failure;

/// The send ended as a connector fault before any byte left.
pub fn fault(what: &str, report: SendReport) -> ConnectorFault {
    let failure = expect_failure(what, report, FailureClass::ConnectorFault, RequestSent::No);
    failure.fault.unwrap_or_else(|| panic!("{what}: a fault without its kind"))
}

/// The rule that the send broke.
pub fn violation(what: &str, report: SendReport) -> Violation {
    match fault(what, report) {
        ConnectorFault::ManifestViolation(violation) => *violation,
        other => panic!("{what}: {other:?}"),
    }
}

/// The rule of the grant that the send broke.
pub fn denial(what: &str, report: SendReport) -> DenialRule {
    match violation(what, report) {
        Violation::Denied(denial) | Violation::Reveal(denial) => denial.rule,
        other => panic!("{what}: {other:?}"),
    }
}

/// Refused as malformed: no rule of the grant was broken, and the guest was told why.
pub fn malformed(what: &str, report: SendReport) -> Failure {
    let failure = expect_failure(what, report, FailureClass::NotSent, RequestSent::No);
    assert!(failure.text.starts_with("ErrorKind::InvalidRequest/no: "), "{what}: {}", failure.text);
    failure
}
