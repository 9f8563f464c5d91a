//! `signature`: checking what a provider sent to us.

use sendbox_policy::{Composition, LabelKind, Piece};
use subtle::ConstantTimeEq;
use wasmtime::component::Resource;

use crate::call::CallState;
use crate::jwt;
use crate::sealed::Sealed;

/// The value was made of something that may not be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotCheckable;

impl CallState {
    pub(crate) fn signature_matches(
        &mut self,
        computed: &Resource<Sealed>,
        received: &[u8],
    ) -> wasmtime::Result<Result<bool, NotCheckable>> {
        self.enter("signature.matches")?;
        let value = self.table.get(computed)?;
        // Only a signature may be compared: of a plain secret, each guess would tell whether it is right.
        let signed = value.labels().secrets().all(|(_, form)| form == sendbox_policy::Form::Signed);
        if value.labels().is_message() || !signed {
            return Ok(Err(NotCheckable));
        }
        Ok(Ok(value.bytes().ct_eq(received).into()))
    }
    /// The claims of a token, masked with the stand-ins of the callback.
    pub(crate) fn signature_jwt(
        &mut self,
        token: &Resource<Sealed>,
        key: &Resource<Sealed>,
    ) -> wasmtime::Result<Result<Option<String>, NotCheckable>> {
        self.enter("signature.jwt")?;
        let token_bytes = self.table.get(token)?.bytes().len();
        // Charged whatever comes out: decoding and signing cost the host as much as a value of that size.
        self.meter.sealed(token_bytes)?;
        let (token, key) = (self.table.get(token)?, self.table.get(key)?);
        if !is_received(token) || !is_secret(key) {
            return Ok(Err(NotCheckable));
        }
        let claims = jwt::claims(token.bytes(), key.bytes());
        Ok(Ok(claims.map(|claims| self.stand_ins.mask(&claims))))
    }
}

/// A token with words of the connector's own in it was not signed by the provider as a whole.
fn is_received(value: &Sealed) -> bool {
    let mut kinds = value.labels().kinds();
    kinds.next() == Some(LabelKind::Received) && kinds.next().is_none() && !has_literal(value.made_of())
}

fn has_literal(composition: &Composition) -> bool {
    composition.pieces().iter().any(|piece| match piece {
        Piece::Literal(_) => true,
        Piece::Encoded(inner) => has_literal(inner),
        Piece::Mark(_) => false,
    })
}

/// A key of literals alone is known to whoever reads the connector, and signs nothing.
fn is_secret(key: &Sealed) -> bool {
    let mut kinds = key.labels().kinds();
    kinds.next() == Some(LabelKind::Secret) && kinds.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sendbox_policy::{Label, Limits, Mark};

    use super::*;
    use crate::call::Phase;
    use crate::egress::scrub::Scrubber;
    use crate::sealed::Piece as SealedPiece;

    /// The example of GatewayAPI's documentation, signed with `secret`.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
        eyJpZCI6MjM4MTcwMywibXNpc2RuIjo0NTQyNjA5MDQ1LCJ0aW1lIjoxNTIyNzY0MDYyLCJzdGF0dXMiOiJERUxJVkVSRUQiLCJlcnJvciI6\
        bnVsbCwiY29kZSI6bnVsbCwidXNlcnJlZiI6bnVsbCwiY2FsbGJhY2tfdXJsIjoiaHR0cDovL2JiYWY3MTQyLm5ncm9rLmlvIiwiYXBpIjo0fQ.\
        KdfDH65bnQtgxEkFnpAQodOciAJedZFB13r9wEo8t3Y";

    fn state(phase: Phase, limits: Limits) -> CallState {
        CallState::new(phase, Arc::new(limits), Arc::default(), Scrubber::default())
    }

    fn received(text: &str) -> Sealed {
        Sealed::root(text.as_bytes().to_vec(), Label::Received, Mark::Opaque)
    }

    fn secret(text: &str) -> Sealed {
        Sealed::root(text.as_bytes().to_vec(), Label::Secret("k".into()), Mark::Secret("k".into()))
    }

    fn literal(text: &str) -> Sealed {
        Sealed::concat(&[SealedPiece::Text(text)])
    }

    fn join(one: &Sealed, other: &Sealed) -> Sealed {
        Sealed::concat(&[SealedPiece::Sealed(one), SealedPiece::Sealed(other)])
    }

    fn check(
        state: &mut CallState,
        token: Sealed,
        key: Sealed,
    ) -> wasmtime::Result<Result<Option<String>, NotCheckable>> {
        let (token, key) = (state.table.push(token)?, state.table.push(key)?);
        state.signature_jwt(&token, &key)
    }

    #[test]
    fn claims_come_with_the_stand_ins_of_the_callback() {
        let mut state = state(Phase::Report, Limits::default());
        assert_eq!(state.stand_ins.mask("to 4542609045"), "to 1000001");
        let claims = check(&mut state, received(TOKEN), secret("secret")).unwrap().unwrap().unwrap();
        assert_eq!(
            claims,
            r#"{"id":1000002,"msisdn":1000001,"time":1000003,"status":"DELIVERED","error":null,"code":null,"userref":null,"callback_url":"http://bbaf7142.ngrok.io","api":4}"#
        );
        assert_eq!(state.stand_ins.restore("1000002"), "2381703");
    }

    #[test]
    fn what_is_not_signed_has_no_claims() {
        for (token, key) in [(TOKEN, "Secret"), ("", "secret"), ("a.b.c", "secret")] {
            let mut state = state(Phase::Report, Limits::default());
            assert_eq!(check(&mut state, received(token), secret(key)).unwrap(), Ok(None), "{token}");
        }
    }

    #[test]
    fn only_received_tokens_and_secret_keys_are_checked() {
        let (head, tail) = TOKEN.split_at(40);
        let code = || Sealed::root(b"secret".to_vec(), Label::Code, Mark::Code);
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
            let checked = check(&mut state, token, key).unwrap();
            assert_eq!(checked.is_ok_and(|claims| claims.is_some()), checkable, "{what}");
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
