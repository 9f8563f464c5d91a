//! `signature`: checking what a provider sent to us.

use subtle::ConstantTimeEq;
use wasmtime::component::Resource;

use crate::call::CallState;
use crate::sealed::Sealed;

/// The value was made of a code, a number or a text.
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
}
