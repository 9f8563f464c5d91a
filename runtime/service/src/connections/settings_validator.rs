//! Validates settings of connections, in turns between tenants, on threads for blocking work. Remembers the last results.

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;

use sendbox_domain::field_error::FieldErrors;
use sendbox_slots::{Permit, Slots, Waiting};
use tokio::sync::oneshot;

use crate::connections::validation::{ConnectionSettings, Validation};
use crate::connector_calls::ConnectorCalls;
use crate::error::{Error, Result};
use crate::lock::lock;

/// Maximum number of remembered validations. They only have to last until the operation that needed them has run again.
const MAX_REMEMBERED: usize = 512;

/// The settings, or all errors by JSON pointer.
pub(crate) type Validated = Result<Arc<ConnectionSettings>, FieldErrors>;

/// Validations in progress, and the results of the last ones.
pub(crate) struct SettingsValidator {
    /// Half as many as cores, so that hostile schemas leave the other half to messages.
    slots: Slots,
    capacity: usize,
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    results: HashMap<Vec<u8>, Validated>,
    oldest_first: VecDeque<Vec<u8>>,
}

impl Remembered {
    fn insert(&mut self, key: Vec<u8>, result: Validated) {
        if self.results.insert(key.clone(), result).is_none() {
            self.oldest_first.push_back(key);
        }
        while self.oldest_first.len() > MAX_REMEMBERED {
            if let Some(oldest) = self.oldest_first.pop_front() {
                self.results.remove(&oldest);
            }
        }
    }
}

impl Default for SettingsValidator {
    fn default() -> Self {
        let capacity = thread::available_parallelism().map_or(1, NonZero::get).div_ceil(2);
        Self { slots: Slots::new(capacity), capacity, remembered: Mutex::default() }
    }
}

/// All slots for validations, until it is dropped. For tests of what a validation keeps waiting.
#[doc(hidden)]
pub struct HeldValidations {
    slots: Slots,
    _held: Vec<Permit>,
}

impl HeldValidations {
    /// Number of validations that wait.
    pub fn waiting(&self) -> usize {
        self.slots.waiting()
    }
}

impl SettingsValidator {
    /// Takes all slots.
    pub(crate) async fn hold(&self) -> HeldValidations {
        let mut held = Vec::new();
        for number in 0..self.capacity {
            held.extend(self.slots.acquire(&format!("held-{number}"), Waiting::Unbounded).await);
        }
        HeldValidations { slots: self.slots.clone(), _held: held }
    }

    /// The result of an earlier validation.
    pub(crate) fn known(&self, validation: &Validation) -> Option<Validated> {
        lock(&self.remembered).results.get(&validation.key).cloned()
    }

    /// Validates in the tenant's turn, and remembers the result.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub(crate) async fn validate(&self, calls: &dyn ConnectorCalls, validation: Validation) -> Result<Validated> {
        // Requests in progress are bounded, and each waits for one validation at a time.
        let slot = self.slots.acquire(&validation.tenant, Waiting::Unbounded).await;
        let (answer, ended) = oneshot::channel();
        let run = move || {
            let _slot = slot;
            let result = validation.run().map(Arc::new);
            answer.send((validation.key, result)).ok();
        };
        calls.run_blocking(Box::new(run)).await;
        let (key, result) = ended.await.map_err(|_| Error::Internal("a validation of settings failed".to_owned()))?;
        lock(&self.remembered).insert(key, result.clone());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_results_are_forgotten() {
        let mut remembered = Remembered::default();
        let key = |number: usize| number.to_le_bytes().to_vec();
        for number in 0..=MAX_REMEMBERED {
            remembered.insert(key(number), Err(FieldErrors(Vec::new())));
        }
        remembered.insert(key(1), Err(FieldErrors(Vec::new())));
        assert_eq!(remembered.results.len(), MAX_REMEMBERED);
        assert!(!remembered.results.contains_key(&key(0)));
        assert!(remembered.results.contains_key(&key(1)) && remembered.results.contains_key(&key(MAX_REMEMBERED)));
    }
}
