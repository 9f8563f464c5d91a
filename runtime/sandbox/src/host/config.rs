//! `config`: the tenant's parameters.

use sendbox_contract::TraceKind;
use sendbox_contract::text::one_line;
use wasmtime::component::Resource;

use crate::call::CallState;
use crate::sealed::Sealed;

impl CallState {
    pub(crate) fn config_get(&mut self, key: &str) -> wasmtime::Result<Option<String>> {
        self.enter("config.get")?;
        self.trace.push(TraceKind::Config { key: one_line(key, 64), secret: false });
        Ok(self.parameters.plain(key).map(str::to_owned))
    }

    pub(crate) fn config_secret(&mut self, key: &str) -> wasmtime::Result<Option<Resource<Sealed>>> {
        self.enter("config.secret")?;
        self.trace.push(TraceKind::Config { key: one_line(key, 64), secret: true });
        let parameters = std::sync::Arc::clone(&self.parameters);
        parameters.secret(key).map(|value| self.keep(value)).transpose()
    }
}
