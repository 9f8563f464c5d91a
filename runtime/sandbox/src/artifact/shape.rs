//! The structure of a component, read without compiling or running anything.

use sendbox_contract::Shape;
use sendbox_contract::inspection::without_version;
use sendbox_policy::Limits;
use wasmparser::{
    BinaryReaderError, ComponentExternalKind, Encoding, FunctionBody, Operator, Parser, Payload, Validator,
    WasmFeatures,
};

use super::error::ArtifactError;
use crate::abi::v1;
use crate::engine::{MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::host::wasi;

/// Maximum number of functions, over all modules.
const MAX_FUNCTIONS: usize = 30_000;
/// Maximum size of a function body, in bytes. Compile time grows faster than the size.
const MAX_FUNCTION_BYTES: usize = 256 << 10;
/// Maximum number of locals of a function.
const MAX_LOCALS: u64 = 5_000;
/// Maximum nesting of blocks in a function. The validator has no bound, and the compiler's work for each block grows with the
/// blocks around it.
const MAX_NESTING: usize = 1_000;
/// Maximum number of modules: the main one, adapters and shims.
const MAX_MODULES: usize = 8;
/// Maximum number of imported interfaces, and of exported ones. The contract and WASI have fewer.
const MAX_INTERFACES: usize = 64;
/// Maximum number of custom sections, and their total size. They are never executed; names and producers of a stripped build take a
/// few KiB.
const MAX_CUSTOM_SECTIONS: usize = 64;
const MAX_CUSTOM_BYTES: usize = 512 << 10;

/// Reads and checks a file.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Shape, ArtifactError> {
    check_kind(bytes, limits)?;
    validate(bytes)?;
    let mut shape = Shape { bytes: bytes.len(), ..Shape::default() };
    let mut depth = Depth::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|error| malformed(&error))?;
        take(&mut shape, &payload, &mut depth).map_err(|error| malformed(&error))??;
    }
    judge(&shape)?;
    if shape.initial_memory > limits.memory_bytes as u64 {
        let count = usize::try_from(shape.initial_memory).unwrap_or(usize::MAX);
        return over("bytes of initial memory", count, limits.memory_bytes);
    }
    Ok(shape)
}

fn take(
    shape: &mut Shape,
    payload: &Payload<'_>,
    depth: &mut Depth,
) -> Result<Result<(), ArtifactError>, BinaryReaderError> {
    match payload {
        Payload::Version { encoding, .. } => {
            if let Err(error) = depth.enter(*encoding) {
                return Ok(Err(error));
            }
            if *encoding == Encoding::Module {
                shape.modules += 1;
            }
        }
        Payload::End(_) => depth.leave(),
        Payload::ComponentImportSection(section) if depth.is_outermost() => {
            for import in section.clone() {
                shape.imports.insert(import?.name.name.to_owned());
            }
        }
        Payload::ComponentExportSection(section) if depth.is_outermost() => {
            for export in section.clone() {
                let export = export?;
                if export.kind == ComponentExternalKind::Instance {
                    shape.exports.insert(export.name.name.to_owned());
                }
            }
        }
        Payload::MemorySection(section) => {
            for memory in section.clone() {
                shape.memories += 1;
                shape.initial_memory = shape.initial_memory.saturating_add(memory?.initial.saturating_mul(64 << 10));
            }
        }
        Payload::TableSection(section) => {
            for table in section.clone() {
                shape.tables += 1;
                let elements = usize::try_from(table?.ty.initial).unwrap_or(usize::MAX);
                if elements > MAX_TABLE_ELEMENTS {
                    return Ok(over("table elements", elements, MAX_TABLE_ELEMENTS));
                }
            }
        }
        Payload::CodeSectionEntry(body) => {
            shape.functions += 1;
            let bytes = body.range().len();
            if bytes > MAX_FUNCTION_BYTES {
                return Ok(over("bytes in one function", bytes, MAX_FUNCTION_BYTES));
            }
            let mut locals = 0_u64;
            for local in body.get_locals_reader()? {
                locals = locals.saturating_add(u64::from(local?.0));
            }
            if locals > MAX_LOCALS {
                let count = usize::try_from(locals).unwrap_or(usize::MAX);
                return Ok(over("locals in one function", count, MAX_LOCALS as usize));
            }
            let nesting = nesting(body)?;
            if nesting > MAX_NESTING {
                return Ok(over("blocks inside one another in one function", nesting, MAX_NESTING));
            }
        }
        Payload::CustomSection(section) => {
            shape.custom_sections += 1;
            shape.custom_bytes += section.range().len();
        }
        _ => {}
    }
    Ok(Ok(()))
}

fn judge(shape: &Shape) -> Result<(), ArtifactError> {
    for (what, count, limit) in [
        ("core modules", shape.modules, MAX_MODULES),
        ("memories", shape.memories, MAX_MEMORIES as usize),
        ("tables", shape.tables, MAX_TABLES as usize),
        ("functions", shape.functions, MAX_FUNCTIONS),
        ("imported interfaces", shape.imports.len(), MAX_INTERFACES),
        ("exported interfaces", shape.exports.len(), MAX_INTERFACES),
        ("custom sections", shape.custom_sections, MAX_CUSTOM_SECTIONS),
        ("bytes of custom sections", shape.custom_bytes, MAX_CUSTOM_BYTES),
    ] {
        if count > limit {
            return over(what, count, limit);
        }
    }
    for import in &shape.imports {
        let name = without_version(import);
        if !v1::IMPORTS.contains(&name) && !wasi::LINKED.contains(&name) {
            return Err(ArtifactError::ForbiddenImport { import: name.to_owned(), hint: hint(name).into() });
        }
    }
    if !shape.exports.iter().any(|export| is_served(export, v1::EXPORT)) {
        return Err(ArtifactError::WrongWorld { expected: format!("{}@1.0.0", v1::EXPORT) });
    }
    Ok(())
}

/// The parser's position in the nesting.
#[derive(Default)]
struct Depth {
    stack: Vec<Encoding>,
}

impl Depth {
    /// Toolchains wrap an exported interface into an inner component that contains types but no code. One with a core module is a
    /// component in its own right.
    fn enter(&mut self, encoding: Encoding) -> Result<(), ArtifactError> {
        let inner_components = self.stack.iter().filter(|encoding| **encoding == Encoding::Component).count();
        if encoding == Encoding::Module && inner_components > 1 || inner_components > 2 {
            return Err(ArtifactError::Composed);
        }
        self.stack.push(encoding);
        Ok(())
    }

    fn leave(&mut self) {
        self.stack.pop();
    }

    fn is_outermost(&self) -> bool {
        self.stack.len() == 1
    }
}

/// Checks what is cheap to check: the size and the kind of the file.
pub(crate) fn check_kind(bytes: &[u8], limits: &Limits) -> Result<(), ArtifactError> {
    if bytes.len() > limits.component_bytes {
        return Err(ArtifactError::TooLarge { bytes: bytes.len(), limit: limits.component_bytes });
    }
    // wasmtime's precompiled code is an ELF file.
    if bytes.starts_with(b"\x7fELF") {
        return Err(ArtifactError::Precompiled);
    }
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Err(ArtifactError::CoreModule),
        Some([0, b'a', b's', b'm', ..]) => Ok(()),
        _ => Err(ArtifactError::NotWasm("it does not begin with the magic number".into())),
    }
}

/// Validates the file with exactly the features that the engine enables.
fn validate(bytes: &[u8]) -> Result<(), ArtifactError> {
    let features = WasmFeatures::WASM2 | WasmFeatures::COMPONENT_MODEL | WasmFeatures::EXTENDED_CONST;
    Validator::new_with_features(features).validate_all(bytes).map(|_| ()).map_err(|error| malformed(&error))
}

/// The nesting of blocks in a validated function.
fn nesting(body: &FunctionBody<'_>) -> Result<usize, BinaryReaderError> {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for operator in body.get_operators_reader()? {
        match operator? {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Operator::End => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(deepest)
}

fn malformed(error: &BinaryReaderError) -> ArtifactError {
    ArtifactError::Malformed { offset: error.offset(), reason: error.message().to_owned() }
}

fn over<T>(what: &'static str, count: usize, limit: usize) -> Result<T, ArtifactError> {
    Err(ArtifactError::Shape { what: what.into(), count, limit })
}

/// Whether an export is the interface, in a supported major version.
fn is_served(export: &str, interface: &str) -> bool {
    export.split_once('@').is_some_and(|(name, version)| name == interface && version.starts_with("1."))
}

fn hint(import: &str) -> &'static str {
    if import.starts_with("wasi:http") {
        "Send with `sendbox:connector/http-outbound`: it keeps values sealed"
    } else if import.starts_with("wasi:sockets") {
        "A connector reaches the network only by `sendbox:connector/http-outbound`"
    } else if import.starts_with("wasi:filesystem") {
        "There are no files; parameters come from `sendbox:connector/config`"
    } else {
        "See `wit/README.md` for what is"
    }
}
