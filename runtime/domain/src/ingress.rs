//! What identity platforms send, and what they get in return.
//!
//! - [`kind`]: what is known of each platform: how it authenticates, how long it waits, how it writes numbers;
//! - [`fields`]: a request's fields, read from JSON or a form;
//! - [`request`]: from the fields to a number, a code or a text, and a usage; [`request_error`]: why that fails;
//! - [`answer`]: the response that each platform understands;
//! - [`twilio`]: the operations, statuses and errors of Twilio's API; [`twilio_callback`]: its status callbacks;
//! - [`setup`]: how each platform is set up.
//!
//! Promises: no fault and no answer contains a number, a code or a text.
//!
//! Must not know: how calls are authenticated, stored or sent.

pub mod answer;
mod code_in_text;
pub mod fields;
pub mod kind;
mod platforms;
pub mod request;
pub mod request_error;
pub mod settings;
pub mod setup;
pub mod twilio;
pub mod twilio_callback;
