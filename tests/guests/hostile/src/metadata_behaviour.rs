//! What the hostile guest does in `metadata`. The guest and its tests share this file, so that a misspelt name compiles in neither
//! of them.

/// What `metadata` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataBehaviour {
    /// It returns valid metadata.
    Honest,
    /// It loops forever.
    Loops,
    /// It calls an import that is not allowed there.
    Calls,
    /// It traps.
    Traps,
    /// It returns a README that exceeds the limit.
    Giant,
    /// It returns more than a host call may pass.
    Bomb,
    /// It declares more hosts than are allowed.
    Hosts,
    /// It breaks every rule for metadata at once.
    Lies,
}

impl MetadataBehaviour {
    /// Every behaviour.
    pub const ALL: [Self; 8] =
        [Self::Honest, Self::Loops, Self::Calls, Self::Traps, Self::Giant, Self::Bomb, Self::Hosts, Self::Lies];

    /// The name in the marker.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Honest => "honest",
            Self::Loops => "loops",
            Self::Calls => "calls",
            Self::Traps => "traps",
            Self::Giant => "giant",
            Self::Bomb => "bomb",
            Self::Hosts => "hosts",
            Self::Lies => "lies",
        }
    }
}
