//! Which webhook endpoints of a tenant get an event.
//!
//! Promises: the answer needs nothing but the tenant's own row, so that a message of a tenant without endpoints costs nothing more.
//!
//! Must not know: where events are sent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::EventType;

/// The enabled endpoints of a tenant, as they are stored with the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriptions(pub Vec<Subscription>);

/// An enabled endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The id of the endpoint.
    pub endpoint: String,
    /// The events that it wants.
    pub events: BTreeSet<EventType>,
    /// Whether events are sent to it. Otherwise they are stored only.
    pub is_sent: bool,
}

impl Subscriptions {
    /// Whether an endpoint wants such an event.
    pub fn want(&self, kind: EventType) -> bool {
        self.0.iter().any(|subscription| subscription.events.contains(&kind))
    }

    /// The endpoints to which such an event is sent.
    pub fn receivers(&self, kind: EventType) -> impl Iterator<Item = &str> {
        let receives = move |it: &&Subscription| it.is_sent && it.events.contains(&kind);
        self.0.iter().filter(receives).map(|subscription| subscription.endpoint.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_gets_what_it_wants() {
        use EventType::{MessageAccepted as Accepted, MessageFailed as Failed, MessageInDoubt as InDoubt};
        let subscription = |endpoint: &str, events: &[EventType], is_sent| Subscription {
            endpoint: endpoint.to_owned(),
            events: events.iter().copied().collect(),
            is_sent,
        };
        let all = Subscriptions(vec![
            subscription("one", &[Accepted, Failed], true),
            subscription("two", &[Failed], true),
            subscription("stored", &[Accepted], false),
        ]);
        for (kind, wanted, receivers) in
            [(Accepted, true, vec!["one"]), (Failed, true, vec!["one", "two"]), (InDoubt, false, vec![])]
        {
            assert_eq!(all.want(kind), wanted, "{kind:?}");
            assert_eq!(all.receivers(kind).collect::<Vec<_>>(), receivers, "{kind:?}");
        }
        let stored = Subscriptions(vec![subscription("stored", &[InDoubt], false)]);
        assert!(stored.want(InDoubt) && stored.receivers(InDoubt).next().is_none());
    }
}
