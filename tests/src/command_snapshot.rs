//! Whole commands as snapshots: the command line, the exit code, stdout and stderr.
//!
//! A [`CommandSnapshot`] records the commands of a test in their order, like a terminal session, and compares them with a file in
//! `tests/snapshots` of the crate. Values that differ between runs are replaced: paths, ports, digests, ids, times and sizes.
//!
//! Shared by the tests of the command alone (`runtime/cli/tests`) and by those that need guests (`tests/tests`).

use std::fmt::Write as _;
use std::path::Path;

use regex::Regex;

/// Patterns of values that differ between runs, with their replacements in the snapshot.
const FILTERS: &[(&str, &str)] = &[
    (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
    (r"localhost:\d+", "localhost:[PORT]"),
    // One of the fixtures redirects every host of the simulator to loopback.
    (
        r"(\S+:443 connects to 127\.0\.0\.1:\[PORT\]; ){2,}certificate authorities in \S+ are trusted",
        "[HOSTS AND AUTHORITIES]",
    ),
    (r"urn:sendbox:request:[0-9A-Za-z-]+", "urn:sendbox:request:[ID]"),
    (r"sha256:[0-9a-f]{64}", "sha256:[DIGEST]"),
    // Runs of digits are masked in a provider's response, and an id may contain some.
    (r"\b(SM)(?:[0-9a-f]|\[digits\])+", "$1[ID]"),
    (r"\b([A-Z]{2})[0-9a-f]{32}\b", "$1[ID]"),
    (r"\b[0-9a-f]{64}\b", "[DIGEST]"),
    (r"\b[0-9a-f]{32}\b", "[ID]"),
    (r"Basic [A-Za-z0-9+/=]{20,}", "Basic [CREDENTIALS]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UUID]"),
    (r"\b[0-9a-f]{12}\b", "[DIGEST]"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
    // A column of times is as wide as its longest one.
    (r"\[TIME\] {2,}", "[TIME]  "),
    (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d (\+0000|GMT)", "[TIME]"),
    (r"(?m)^ +\d+\.\d ms  ", "  [MS]  "),
    (r"\d+\.\d ms\b", "[MS]"),
    (r"\d+\.\d (KiB|MiB)\b", "[SIZE]"),
    // The progress of a check: which steps are shown depends on their duration.
    (r"(?m)^(\d/\d .+\n)+", "[PROGRESS]\n"),
    // How messages are distributed over the versions is random.
    (r"(?m)^(  (?:attempts|accepted|success|p50|p95|p99) +).*$", "$1[NUMBERS]"),
    (r#""(atUs|timeUs|cpuUs|memoryBytes|bytes|functions|modules|initialMemory)":\d+"#, r#""$1":[NUMBER]"#),
    (r"\d+ functions, \d+ module", "[N] functions, [N] module"),
    (r"at byte \d{3,}", "at byte [N]"),
    // Columns are as wide as their cells.
    (r"size +uploaded +by", "size  uploaded  by"),
];

/// The commands of a test, in order.
#[derive(Default)]
pub struct CommandSnapshot {
    session: String,
    replacements: Vec<(String, String)>,
}

impl CommandSnapshot {
    /// An empty session. `binary` is the path of the command, which is printed as `sendbox`.
    pub fn new(binary: &Path) -> Self {
        let mut snapshot = Self::default();
        snapshot.replace(binary.to_str().unwrap(), "sendbox");
        snapshot
    }

    /// Replaces a text that differs between runs or machines.
    pub fn replace(&mut self, text: &str, replacement: &str) {
        self.replacements.push((text.to_owned(), replacement.to_owned()));
    }

    /// Adds a line above the next command, for context that the command line does not show.
    pub fn title(&mut self, text: &str) {
        writeln!(self.session, "# {text}").unwrap();
    }

    /// Records a command and how it ended.
    pub fn record<S: AsRef<str>>(&mut self, arguments: &[S], exit: Option<i32>, stdout: &str, stderr: &str) {
        self.session.push_str("$ sendbox");
        for argument in arguments {
            write!(self.session, " {}", argument.as_ref()).unwrap();
        }
        let exit = exit.map_or_else(|| "none, killed by a signal".to_owned(), |code| code.to_string());
        writeln!(self.session, "\nexit code: {exit}").unwrap();
        for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
            if !text.is_empty() {
                let end = if text.ends_with('\n') { "" } else { "\n" };
                write!(self.session, "----- {name} -----\n{text}{end}").unwrap();
            }
        }
        self.session.push('\n');
    }

    /// Compares the session with the snapshot of this name. `INSTA_UPDATE=always` writes it instead.
    #[track_caller]
    pub fn assert(self, name: &str) {
        let session = self.replacements.iter().fold(self.session, |text, (from, to)| text.replace(from, to));
        let session = FILTERS.iter().fold(session, |text, (pattern, replacement)| {
            Regex::new(pattern).unwrap().replace_all(&text, *replacement).into_owned()
        });
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots"));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name, session));
    }
}
