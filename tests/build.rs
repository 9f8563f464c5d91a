//! Builds the hostile guests and says where they are.

use std::path::Path;

use anyhow::Result;

/// Package, and the variable with the path of its component.
const GUESTS: [(&str, &str); 4] = [
    ("hostile", "GUEST_HOSTILE"),
    ("interpreter", "GUEST_INTERPRETER"),
    ("memory-scanner", "GUEST_MEMORY_SCANNER"),
    ("versioned", "GUEST_VERSIONED"),
];

#[allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn main() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = GUESTS.map(|(package, _)| package);
    let watched = [here.join("../wit"), here.join("../connectors/sdk"), here.join("../connectors/twilio/src")];
    let watched: Vec<&Path> = watched.iter().map(AsRef::as_ref).collect();
    for guest in sendbox_guest_build::build(&here.join("guests"), &packages, &watched)? {
        let variable = GUESTS.iter().find(|(package, _)| *package == guest.package).map_or("", |(_, name)| name);
        println!("cargo::rustc-env={variable}={}", guest.path.display());
    }
    Ok(())
}
