//! The bindings that `wit-bindgen` generates from the contract: the imports once, and the exports of each world.
//!
//! There are three calls, because only some connectors export `delivery-reports`. Imports that a connector does not call
//! are dropped when it is linked.

#![allow(unsafe_code, missing_docs, unused_qualifications, clippy::all, clippy::restriction)]

/// Everything that a connector may import.
pub mod imports {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package sendbox:sdk;
            world imports {
                import sendbox:connector/sealed@1.0.0;
                import sendbox:connector/config@1.0.0;
                import sendbox:connector/http-outbound@1.0.0;
                import sendbox:connector/log@1.0.0;
                import sendbox:connector/signature@1.0.0;
                import sendbox:connector/reveal@1.0.0;
                import sendbox:connector/types@1.0.0;
            }
        ",
        generate_all,
        runtime_path: "sendbox_connector_sdk::guest::rt",
    });
    pub use sendbox::connector::*;
}

/// Exports of `blind-connector`.
pub mod blind {
    wit_bindgen::generate!({
        path: "wit",
        world: "sendbox:connector/blind-connector@1.0.0",
        with: {
            "sendbox:connector/sealed@1.0.0": crate::guest::bindings::imports::sealed,
            "sendbox:connector/config@1.0.0": crate::guest::bindings::imports::config,
            "sendbox:connector/http-outbound@1.0.0": crate::guest::bindings::imports::http_outbound,
            "sendbox:connector/log@1.0.0": crate::guest::bindings::imports::log,
            "sendbox:connector/types@1.0.0": crate::guest::bindings::imports::types,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_connector_bindings",
        default_bindings_module: "sendbox_connector_sdk::guest::bindings::blind",
        runtime_path: "sendbox_connector_sdk::guest::rt",
    });
}

/// The additional export of `reporting-connector`.
pub mod reports {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package sendbox:sdk;
            world reports {
                export sendbox:connector/delivery-reports@1.0.0;
            }
        ",
        with: {
            "sendbox:connector/sealed@1.0.0": crate::guest::bindings::imports::sealed,
            "sendbox:connector/types@1.0.0": crate::guest::bindings::imports::types,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_reports_bindings",
        default_bindings_module: "sendbox_connector_sdk::guest::bindings::reports",
        runtime_path: "sendbox_connector_sdk::guest::rt",
    });
}
