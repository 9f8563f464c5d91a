//! Assertions about the outcome of a send. Each fails the test if the outcome is a different one.

use sendbox_sandbox::policy::DenialRule;
use sendbox_sandbox::{ConnectorFault, Failure, FailureClass, Outcome, RequestSent, SendResult, Violation};

use crate::sandbox_fixture::expect_failure;

/// The fault of the connector that ended the send before any byte left.
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
    // A request that the operator or tenant does not allow is a matter of configuration, not a fault of the code.
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

/// The failure of a request that was held back because it was ambiguous. No rule of the grant was broken.
pub fn malformed(what: &str, report: SendResult) -> Failure {
    let failure = expect_failure(what, report, FailureClass::ConnectorFault, RequestSent::No);
    let Some(ConnectorFault::ManifestViolation(violation)) = &failure.fault else { panic!("{what}: {failure:?}") };
    assert!(matches!(**violation, Violation::Malformed(_) | Violation::Composition(_)), "{what}: {violation:?}");
    failure
}
