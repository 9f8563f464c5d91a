//! The diagnostic record of an attempt, stored beside its outcome. No rule reads it.

use sendbox_contract::{MaskedRequest, ResourceUse, TraceEvent};
use serde::{Deserialize, Serialize};

use crate::model::{AttemptDetail, HeldShape, RouteReason};

/// What happened during an attempt, with sensitive values masked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AttemptRecord {
    /// Why this connection was chosen. Known when the attempt begins; `None` for a test number.
    pub route: Option<RouteReason>,
    /// Variables of the template that had no value. The text kept their placeholders.
    pub unfilled_variables: Vec<String>,
    /// What happened, in order.
    pub trace: Vec<TraceEvent>,
    /// The requests that the rules permitted.
    pub requests: Vec<MaskedRequest>,
    /// The request that a rule held back.
    pub held_request: Option<MaskedRequest>,
    /// How the request that was held back differs from those that the version may send.
    pub held_shape: Option<HeldShape>,
    /// Resources that the call used. `None` until the attempt has ended.
    pub resource_use: Option<ResourceUse>,
    /// Origins to which bytes may have left.
    pub hosts_reached: Vec<String>,
}

impl AttemptRecord {
    /// The record as the API shows it. `response_status` is the HTTP status of the provider's response.
    pub fn view(&self, response_status: Option<u16>) -> AttemptDetail {
        AttemptDetail {
            route: self.route,
            unfilled_variables: self.unfilled_variables.clone(),
            trace: self.trace.iter().map(Into::into).collect(),
            requests: self.requests.iter().map(Into::into).collect(),
            held_request: self.held_request.as_ref().map(Into::into),
            held_shape: self.held_shape.clone(),
            resource_usage: self.resource_use.map(Into::into),
            response_status,
            hosts_reached: self.hosts_reached.clone(),
        }
    }
}
