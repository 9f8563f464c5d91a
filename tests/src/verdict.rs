//! Assertions about the outcome of a send. Each fails the test if the outcome is a different one.

use sendbox_sandbox::policy::DenialRule;
use sendbox_sandbox::{ConnectorFault, Failure, FailureClass, Outcome, RequestSent, SendResult, Violation};

use crate::sandbox_fixture::expect_failure;

/// The send ended as a connector fault before any byte left.
pub fn fault(what: &str, report: SendResult) -> ConnectorFault {
    let failure = expect_failure(what, report, FailureClass::ConnectorFault, RequestSent::No);
    failure.fault.unwrap_or_else(|| panic!("{what}: a fault without its kind"))
}

/// The rule that the send broke.
pub fn violation(what: &str, report: SendResult) -> Violation {
    match fault(what, report) {
        ConnectorFault::ManifestViolation(violation) => *violation,
        other => panic!("{what}: {other:?}"),
    }
}

/// The rule of the grant that the send broke.
pub fn denial(what: &str, report: SendResult) -> DenialRule {
    let Outcome::Failed(Failure { class, request_sent, fault: Some(fault), .. }) = report.outcome else {
        panic!("{what}: {:?}", report.outcome)
    };
    assert_eq!(request_sent, RequestSent::No, "{what}");
    let ConnectorFault::ManifestViolation(violation) = fault else { panic!("{what}: {fault:?}") };
    let (Violation::Denied(denial) | Violation::Reveal(denial)) = *violation else { panic!("{what}: {violation:?}") };
    // What operator or tenant do not allow is a matter of the configuration, and no fault of the code.
    let of_settings = matches!(
        denial.rule,
        DenialRule::LiteralAddress
            | DenialRule::NotGrantedByTenant
            | DenialRule::Port
            | DenialRule::RefusedByOperator
            | DenialRule::RevealNotGranted { .. }
            | DenialRule::Scheme
    );
    let expected = if of_settings { FailureClass::ConfigurationInvalid } else { FailureClass::ConnectorFault };
    assert_eq!(class, expected, "{what}");
    denial.rule
}

/// Held back because it could not be read in one way only: no rule of the grant was broken.
pub fn malformed(what: &str, report: SendResult) -> Failure {
    let failure = expect_failure(what, report, FailureClass::ConnectorFault, RequestSent::No);
    let Some(ConnectorFault::ManifestViolation(violation)) = &failure.fault else { panic!("{what}: {failure:?}") };
    assert!(matches!(**violation, Violation::Malformed(_) | Violation::Composition(_)), "{what}: {violation:?}");
    failure
}
