//! One connector with many hostile behaviours.
//!
//! The plain parameter `behaviour` selects one, and `aim` refines it; each is a file in [`behaviour`]. The guest uses the contract
//! directly, without the SDK: the SDK does not let its users do most of this. What `metadata` does is selected by
//! [`metadata::MARKER`], which a test overwrites in the component's bytes, because nothing can be passed in there.

mod behaviour;
mod metadata;
mod metadata_behaviour;
mod request;

#[allow(unsafe_code, missing_docs, unused_qualifications, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package sendbox:hostile;
            world hostile {
                include sendbox:connector/revealing-connector@1.0.0;
                import sendbox:connector/signature@1.0.0;
                export sendbox:connector/delivery-reports@1.0.0;
            }
        ",
        path: "../../../wit/connector/v1",
        generate_all,
    });
}

use bindings::exports::sendbox::connector::connector::Guest;
use bindings::exports::sendbox::connector::delivery_reports::{self, Callback, Report, ReportError};
use bindings::sendbox::connector::types::{ConnectorMetadata, Failure, Message, Receipt};

struct Hostile;

impl Guest for Hostile {
    fn metadata() -> ConnectorMetadata {
        metadata::metadata()
    }

    fn send(message: Message) -> Result<Receipt, Failure> {
        behaviour::run(&message)
    }
}

impl delivery_reports::Guest for Hostile {
    fn parse(callback: Callback) -> Result<Vec<Report>, ReportError> {
        behaviour::parse(&callback)
    }
}

#[allow(unsafe_code, reason = "the exports of a component are raw symbols")]
mod export {
    super::bindings::export!(Hostile with_types_in super::bindings);
    use super::Hostile;
}
