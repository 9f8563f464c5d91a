//! The steps of loading a file.

/// A step of loading a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadStep {
    /// The size, kind and shape of the file are checked.
    Inspecting,
    /// The component is compiled to machine code, or loaded from the cache.
    Compiling,
    /// `metadata` of the connector is run and checked.
    ReadingMetadata,
}

/// Called at the beginning of every step.
pub(crate) type Progress<'a> = &'a (dyn Fn(LoadStep) + Send + Sync);
