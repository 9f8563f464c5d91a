//! The table as a page: `tests/zoo/README.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::{Ending, all};

/// Where the page is.
pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("zoo/README.md")
}

/// The whole page.
pub fn render() -> String {
    let guests = all();
    let aims: usize = guests.iter().map(|guest| guest.aims.len()).sum();
    let mut page = format!(
        "# The zoo\n\n\
         {} hostile guests with {aims} aims: connectors that try to learn what they must not know, to send what they must not \
         send, or to harm whoever runs them. Each is a file in [`tests/guests/hostile/src/behaviour`]\
         (../guests/hostile/src/behaviour), written straight on the contract, and none has a grant to read sealed values. Run \
         them all, or one, on your own build:\n\n\
         ```sh\n\
         cargo run -p sendbox-tests --example zoo\n\
         cargo run -p sendbox-tests --example zoo -- second_number\n\
         ```\n\n\
         Each is run on a real sandbox against a real server, full of canaries. It passes when it ends as this table says, and \
         when no canary is where it may not be: in a request outside of its declared place, at another host, in an outcome, an \
         error, a log line or a trace. A guest with several aims may be ended by several rules.\n\n\
         This page is written by `cargo run -p sendbox-tests --example zoo -- --write`.\n\n\
         | guest | what it tries | ended by |\n|---|---|---|\n",
        guests.len()
    );
    for guest in guests {
        let rules: BTreeSet<Ending> = guest.aims.iter().flat_map(|(_, endings)| endings.iter().copied()).collect();
        let rules: Vec<String> = rules.iter().map(Ending::to_string).collect();
        let file = format!("../guests/hostile/src/behaviour/{}.rs", guest.behaviour);
        let description = guest.behaviour.description().replace('|', "\\|");
        // Writing to a string does not fail.
        let _ = writeln!(page, "| [`{}`]({file}) | {description} | {} |", guest.behaviour, rules.join("; "));
    }
    page
}
