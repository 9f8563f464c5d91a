//! `signature`: checks signatures of providers.

use sendbox_contract::{ConnectorFault, Violation};
use sendbox_policy::{Composition, Form, LabelKind, Piece};
use subtle::ConstantTimeEq;
use wasmtime::component::{HasData, Resource};

use crate::call::handles::SealedHandles;
use crate::call::host_call::{HostCall, Phase};
use crate::call::{CallState, SignatureChecks};
use crate::jwt;
use crate::report::StandIns;
use crate::sealed::Sealed;

/// Maximum number of checks in a call of `parse`. Each reveals one bit about a secret and a received value.
const CHECKS: u32 = 8;

/// What `signature` may access of a call.
pub(crate) struct SignatureView<'a> {
    call: HostCall<'a>,
    handles: &'a SealedHandles,
    checks: &'a mut SignatureChecks,
    stand_ins: &'a mut StandIns,
}

/// Provides the view for `signature`.
pub(crate) struct Signature;

impl HasData for Signature {
    type Data<'a> = SignatureView<'a>;
}

impl CallState {
    pub(crate) fn signature(&mut self) -> SignatureView<'_> {
        let Self { phase, meter, trace, scrubber, handles, signature_checks: checks, stand_ins, .. } = self;
        SignatureView { call: HostCall { phase: *phase, meter, trace, scrubber }, handles, checks, stand_ins }
    }
}

impl SignatureView<'_> {
    /// Counts a check, and refuses it where none is allowed.
    fn check(&mut self, import: &'static str) -> wasmtime::Result<()> {
        self.call.enter(import)?;
        if self.call.phase != Phase::Report {
            return Err(ConnectorFault::ImportRefused(import).into());
        }
        self.checks.count += 1;
        if self.checks.count > CHECKS {
            return Err(self.call.broke(Violation::TooManyChecks { limit: CHECKS }));
        }
        Ok(())
    }

    pub(crate) fn matches(
        &mut self,
        computed: &Resource<Sealed>,
        received: &Resource<Sealed>,
    ) -> wasmtime::Result<bool> {
        self.check("signature.matches")?;
        let (computed, received) = (self.handles.get(computed)?, self.handles.get(received)?);
        if !is_signature(computed) || !received.is_received() {
            return Err(self.call.broke(Violation::NotCheckable));
        }
        let is_right = match (computed.bytes(), received.bytes()) {
            (Ok(computed), Ok(received)) => computed.ct_eq(received).into(),
            _ => false,
        };
        self.checks.found_right |= is_right;
        Ok(is_right)
    }

    /// The claims of a token, masked with the stand-ins of the callback.
    pub(crate) fn jwt(&mut self, token: &Resource<Sealed>, key: &Resource<Sealed>) -> wasmtime::Result<Option<String>> {
        self.check("signature.jwt")?;
        let bound = self.handles.get(token)?.bound();
        // Charged whatever the result: decoding and signing cost the host as much as a value of that size.
        self.call.meter.sealed(bound)?;
        let (token, key) = (self.handles.get(token)?, self.handles.get(key)?);
        if !is_received(token) || !is_secret(key) {
            return Err(self.call.broke(Violation::NotCheckable));
        }
        let (Ok(token), Ok(key)) = (token.bytes(), key.bytes()) else { return Ok(None) };
        let claims = jwt::claims(token, key);
        self.checks.found_right |= claims.is_some();
        Ok(claims.map(|claims| self.stand_ins.mask(&claims)))
    }
}

/// Only a signature under a secret may be compared: for anything else, a comparison would confirm or refute a guess.
fn is_signature(value: &Sealed) -> bool {
    let mut secrets = value.labels().secrets().peekable();
    !value.labels().is_message() && secrets.peek().is_some() && secrets.all(|(_, form)| form == Form::Signed)
}

/// A token that contains text of the connector was not signed by the provider as a whole.
fn is_received(value: &Sealed) -> bool {
    let mut kinds = value.labels().kinds();
    kinds.next() == Some(LabelKind::Received) && kinds.next().is_none() && !has_literal(value.made_of())
}

fn has_literal(composition: &Composition) -> bool {
    composition.pieces().iter().any(|piece| match piece {
        Piece::Literal(_) => true,
        Piece::Encoded(_, inner) => has_literal(inner),
        Piece::Mark(_) => false,
    })
}

/// A key that consists of literals is known to everyone who reads the connector, and proves nothing.
fn is_secret(key: &Sealed) -> bool {
    let mut kinds = key.labels().kinds();
    kinds.next() == Some(LabelKind::Secret) && kinds.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sendbox_policy::{Encoding, Label, Limits, Mark};

    use super::*;
    use crate::sealed::{Hash, Piece as SealedPiece};

    /// A report with numbers in it, signed with `secret` apart from this code, by Python's `hmac`.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
        eyJpZCI6MjM4MTcwMywidG8iOjQ1NDI2MDkwNDUsInRpbWUiOjE1MjI3NjQwNjIsInN0YXR1cyI6ImRlbGl2ZXJlZCIsImVycm9yIjpudWxsLCJ1\
        cmwiOiJodHRwOi8vYmJhZjcxNDIuZXhhbXBsZSJ9.\
        HXjzBSOOnd_ogz1le79L0QoBZtIEGmrUBcZ5RApom_o";

    fn state(phase: Phase, limits: Limits) -> CallState {
        CallState::new(phase, Arc::new(limits), Arc::default(), None)
    }

    fn received(text: &str) -> Sealed {
        Sealed::root(text.as_bytes().to_vec(), text.len(), Label::Received, Mark::Opaque)
    }

    fn secret(text: &str) -> Sealed {
        Sealed::root(text.as_bytes().to_vec(), text.len(), Label::Secret("k".into()), Mark::Secret("k".into()))
    }

    fn literal(text: &str) -> Sealed {
        Sealed::concat(&[SealedPiece::Text(text)])
    }

    fn join(one: &Sealed, other: &Sealed) -> Sealed {
        Sealed::concat(&[SealedPiece::Sealed(one), SealedPiece::Sealed(other)])
    }

    fn check(state: &mut CallState, token: Sealed, key: Sealed) -> wasmtime::Result<Option<String>> {
        let (token, key) = (state.handles.add(token), state.handles.add(key));
        state.signature().jwt(&token, &key)
    }

    #[test]
    fn claims_come_with_the_stand_ins_of_the_callback() {
        let mut state = state(Phase::Report, Limits::default());
        assert_eq!(state.stand_ins.mask("to 4542609045"), "to 1000001");
        let claims = check(&mut state, received(TOKEN), secret("secret")).unwrap().unwrap();
        assert_eq!(
            claims,
            r#"{"id":1000002,"to":1000001,"time":1000003,"status":"delivered","error":null,"url":"http://bbaf7142.example"}"#
        );
        assert_eq!(state.stand_ins.restore("1000002"), "2381703");
        assert!(state.signature_checks.found_right);
    }

    #[test]
    fn what_is_not_signed_has_no_claims() {
        for (token, key) in [(TOKEN, "Secret"), ("", "secret"), ("a.b.c", "secret")] {
            let mut state = state(Phase::Report, Limits::default());
            assert_eq!(check(&mut state, received(token), secret(key)).unwrap(), None, "{token}");
            assert!(!state.signature_checks.found_right);
        }
    }

    #[test]
    fn only_received_tokens_and_secret_keys_are_checked() {
        let (head, tail) = TOKEN.split_at(40);
        let code = || Sealed::root(b"secret".to_vec(), 64, Label::Code, Mark::Code);
        for (what, token, key, checkable) in [
            ("a part of a secret", received(TOKEN), join(&literal("sec"), &secret("ret")), true),
            ("two received parts", join(&received(head), &received(tail)), secret("secret"), true),
            ("a literal token", literal(TOKEN), secret("secret"), false),
            ("a literal part", join(&literal(head), &received(tail)), secret("secret"), false),
            ("a secret in the token", join(&received(head), &secret(tail)), secret("secret"), false),
            ("a code in the token", join(&received(TOKEN), &code()), secret("secret"), false),
            ("a literal key", received(TOKEN), literal("secret"), false),
            ("no key", received(TOKEN), literal(""), false),
            ("a received key", received(TOKEN), received("secret"), false),
            ("a key with received bytes", received(TOKEN), join(&secret("sec"), &received("ret")), false),
            ("a code as key", received(TOKEN), code(), false),
        ] {
            let mut state = state(Phase::Report, Limits::default());
            let checked = check(&mut state, token, key);
            assert_eq!(checked.is_ok_and(|claims| claims.is_some()), checkable, "{what}");
        }
    }

    fn matches(state: &mut CallState, computed: Sealed, received: Sealed) -> wasmtime::Result<bool> {
        let (computed, received) = (state.handles.add(computed), state.handles.add(received));
        state.signature().matches(&computed, &received)
    }

    #[test]
    fn only_signatures_under_a_secret_are_compared_with_what_was_received() {
        let signed = || join(&received("body"), &literal("x")).hmac(Hash::Sha1, &secret("k"));
        let hex = |text: &str| received(text).decode(Encoding::Hex).unwrap();
        let right = hex::encode(signed().bytes().unwrap());
        let code = || Sealed::root(b"secret".to_vec(), 64, Label::Code, Mark::Code);
        for (what, computed, given, expected) in [
            ("the signature", signed(), hex(&right), Some(true)),
            ("in hexadecimal", signed().encode(Encoding::Hex), received(&right), Some(true)),
            ("a digest with a secret", join(&secret("k"), &received("b")).digest(Hash::Md5), hex("00"), Some(false)),
            ("not hexadecimal", signed(), hex("xyz"), Some(false)),
            ("a plain secret", secret("k"), received("k"), None),
            ("a secret beside its signature", join(&secret("k"), &signed()), received("k"), None),
            ("received bytes", received("k"), received("k"), None),
            ("a digest of received bytes", received("k").digest(Hash::Md5), received("k"), None),
            ("a literal", literal("k"), received("k"), None),
            ("a code under a secret", code().hmac(Hash::Sha1, &secret("k")), received("k"), None),
            ("with a literal", signed(), literal("k"), None),
            ("with two received values", signed(), join(&received("a"), &received("b")), None),
            ("with a digest of a received value", signed(), received("a").digest(Hash::Md5), None),
            ("with a secret", signed(), secret("k"), None),
        ] {
            let mut state = state(Phase::Report, Limits::default());
            assert_eq!(matches(&mut state, computed, given).ok(), expected, "{what}");
        }
        let mut sending = state(Phase::Send, Limits::default());
        assert!(matches(&mut sending, signed(), received("k")).is_err(), "while sending");
        let mut many = state(Phase::Report, Limits::default());
        for check in 1..=9 {
            assert_eq!(matches(&mut many, signed(), received("k")).is_ok(), check <= 8, "check {check}");
        }
    }

    #[test]
    fn a_check_is_counted_and_charged() {
        let mut metadata = state(Phase::Metadata, Limits::default());
        assert!(check(&mut metadata, received(TOKEN), secret("secret")).is_err());
        for limits in [
            Limits { host_calls: 2, ..Limits::default() },
            Limits { sealed_bytes: 2 * TOKEN.len() + 1, ..Limits::default() },
        ] {
            let mut state = state(Phase::Report, limits);
            for _ in 0..2 {
                assert!(check(&mut state, received(TOKEN), secret("wrong")).is_ok());
            }
            assert!(check(&mut state, received(TOKEN), secret("wrong")).is_err());
        }
    }
}
