//! Fixtures for the tests that cross crates.
//!
//! - [`SandboxFixture`]: a sandbox, a connector in it, and a server that the connector can reach; and the canonical message, which
//!   is full of canaries.
//! - [`Server`]: a TLS server on loopback whose behaviour is a script, and which records all that it received.
//! - [`guests`]: the components of the guests, and the behaviours of the hostile one.
//! - [`component`]: components that no toolchain would produce; [`bomb`]: those that are expensive to compile.
//! - [`database`]: databases of both kinds, one for each test.
//! - [`test_service`]: a whole service, with a manual clock.
//! - [`api`]: the REST API over such a service, and a client; [`api_fixture`]: a tenant in which every operation of the API
//!   succeeds, and a sample request for each.
//! - [`bench`](mod@bench): what the benchmarks share.
//! - [`platform_server`]: the server of a platform, which gets webhooks and status callbacks.
//! - [`pointer`]: all JSON pointers into a value.
//! - [`command_snapshot`]: whole commands as snapshots.
//! - [`process`]: the real binary, as a process that can be killed.
//! - [`recount`]: counts what statistics show again, from the rows.
//! - [`simulation`]: runs of several processes on one store, whose interleavings and faults follow from a seed.
//! - [`simulator_setup`]: the simulator, and each connector's parameters for it.
//! - [`verdict`]: assertions about the outcome of a send.
//! - [`versioned`]: one connector in as many versions as a test needs.
//! - [`needles`]: every form in which a canary may appear.
//! - [`zoo`]: every hostile guest, what it tries, and which rule ends it.
//!
//! Guarantees: only loopback traffic; ports chosen by the system; a failed assertion says what was expected of what.
//!
//! Must not know: how the sandbox works inside. It sees what an embedder sees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

pub mod api;
pub mod api_fixture;
pub mod authority;
pub mod bench;
pub mod bomb;
pub mod command_snapshot;
pub mod component;
pub mod database;
pub mod empty_tenant;
pub mod guests;
pub mod largest_bodies;
pub mod needles;
pub mod noninterference;
pub mod platform_server;
pub mod pointer;
pub mod process;
pub mod recount;
pub mod sandbox_fixture;
pub mod server;
pub mod simulation;
pub mod simulator_setup;
pub mod test_service;
pub mod verdict;
pub mod versioned;
pub mod wrong_queries;
pub mod zoo;

pub use database::Database;
pub use sandbox_fixture::{SandboxFixture, SandboxFixtureConfig, expect_accepted, expect_failure};
pub use server::{Handshake, Script, Server, Step};
