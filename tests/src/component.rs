//! Components that no toolchain would produce, from text.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

/// The exports of a core module that make it a connector that always traps.
pub const EXPORTS: &str = r#"
    (memory (export "memory") 1)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "sendbox:connector/connector@1.0.0#metadata") (result i32) unreachable)
    (func (export "sendbox:connector/connector@1.0.0#send") (param i32) (result i32) unreachable)
"#;

fn world(also: &str) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/connector/v1")).unwrap();
    for foreign in [WASI_HTTP, WASI_SOCKETS, WASI_FILESYSTEM, UNKNOWN] {
        resolve.push_str("foreign.wit", foreign).unwrap();
    }
    let text = format!("package test:guests; world guest {{ {also} }}");
    let package = resolve.push_str("world.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    (resolve, world)
}

const WASI_HTTP: &str = "package wasi:http@0.2.6; interface outgoing-handler { handle: func(url: string); }";
const WASI_SOCKETS: &str = "package wasi:sockets@0.2.6; interface tcp { connect: func(address: string); }";
const WASI_FILESYSTEM: &str = "package wasi:filesystem@0.2.6; interface preopens { get: func() -> string; }";
const UNKNOWN: &str = "package unknown:vendor@1.0.0; interface this { f: func(); }";

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(false).module(&module).unwrap().encode().unwrap()
}

/// The world that a connector exports.
pub const CONNECTOR: &str = "export sendbox:connector/connector@1.0.0;";

/// A connector out of a core module in text form: the fields inside `(module …)`.
pub fn connector(fields: &str) -> Vec<u8> {
    let (resolve, world) = world(CONNECTOR);
    encode(wat::parse_str(format!("(module {fields})")).unwrap(), &resolve, world)
}

/// A component of a world (`import a:b/c; export d:e/f;`) whose functions all trap.
pub fn of_world(also: &str) -> Vec<u8> {
    let (resolve, world) = world(also);
    let module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Legacy(wit_parser::LiftLowerAbi::Sync));
    encode(module, &resolve, world)
}

/// A component in text form: the fields inside `(component …)`.
pub fn raw(fields: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {fields})")).unwrap()
}
