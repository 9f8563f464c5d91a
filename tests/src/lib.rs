//! The stage on which hostile guests, hostile servers and the sandbox meet.
//!
//! - [`Lab`]: a sandbox, a connector in it, and a server that the connector can reach; and the canonical message, which is
//!   full of canaries.
//! - [`Server`]: a TLS server on loopback whose behaviour is a script, and which remembers all that it received.
//! - [`component`]: components that no toolchain would make; [`bomb`]: those that are made to cost much.
//! - [`database`]: databases of both kinds, one for each story.
//! - [`api`]: the REST API over such a service, a client, and one good request for every operation.
//! - [`pointer`]: every place in a JSON value.
//! - [`process`]: the real binary, as a process that can be killed.
//! - [`house`]: a whole service, with a clock that stands until it is turned.
//! - [`stage`]: the simulator, and each connector's parameters for it.
//! - [`verdict`]: what a send ended with.
//! - [`world`]: a tenant in which every operation of the API has something to work on.
//! - [`versioned`]: one connector in as many versions as a test wants.
//! - [`needles`]: every form in which a canary may turn up.
//! - [`zoo`]: every hostile guest, what it tries, and which rule ends it.
//!
//! Promises: only loopback traffic; ports chosen by the system; a failed expectation says what was expected of what.
//!
//! Must not know: how the sandbox does what it does. It sees what an embedder sees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

pub mod api;
pub mod authority;
pub mod bomb;
pub mod component;
pub mod database;
pub mod house;
pub mod lab;
pub mod needles;
pub mod noninterference;
pub mod pointer;
pub mod process;
pub mod server;
pub mod stage;
pub mod verdict;
pub mod versioned;
pub mod world;
pub mod zoo;

pub use database::Database;
pub use lab::{Lab, LabConfig, expect_accepted, expect_failure};
pub use server::{Handshake, Script, Server, Step};
