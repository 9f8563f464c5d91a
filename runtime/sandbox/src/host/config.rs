//! `config`: the tenant's parameters.

use sendbox_contract::TraceKind;
use sendbox_contract::text::one_line;
use wasmtime::component::{HasData, Resource};

use crate::call::CallState;
use crate::call::handles::SealedHandles;
use crate::call::host_call::HostCall;
use crate::parameters::Parameters;
use crate::sealed::Sealed;

/// What `config` may access of a call.
pub(crate) struct ConfigView<'a> {
    call: HostCall<'a>,
    handles: &'a mut SealedHandles,
    parameters: &'a Parameters,
}

/// Provides the view for `config`.
pub(crate) struct Config;

impl HasData for Config {
    type Data<'a> = ConfigView<'a>;
}

impl CallState {
    pub(crate) fn config(&mut self) -> ConfigView<'_> {
        let Self { phase, meter, trace, scrubber, handles, parameters, .. } = self;
        ConfigView { call: HostCall { phase: *phase, meter, trace, scrubber }, handles, parameters }
    }
}

impl ConfigView<'_> {
    pub(crate) fn plain(&mut self, key: &str) -> wasmtime::Result<Option<String>> {
        self.call.enter("config.get")?;
        self.call.trace.push(TraceKind::Config { key: one_line(key, 64), secret: false });
        Ok(self.parameters.plain(key).map(str::to_owned))
    }

    pub(crate) fn secret(&mut self, key: &str) -> wasmtime::Result<Option<Resource<Sealed>>> {
        self.call.enter("config.secret")?;
        self.call.trace.push(TraceKind::Config { key: one_line(key, 64), secret: true });
        self.parameters.secret(key).map(|value| self.handles.keep(self.call.meter, value)).transpose()
    }
}
