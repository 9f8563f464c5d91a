//! What a person reads about a version before trusting it.
//!
//! Promise: a version cannot change its name, its description or the purposes of its hosts without an approval, because trust in the
//! previous version rests on what it said about itself.

use sendbox_contract::is_hidden;
use sendbox_policy::HostNeed;

use super::{CapabilityDiff, Description};
use crate::model::{Difference, DifferenceCode as Code};

/// Maximum number of characters that are quoted from an author's text.
const MAX_QUOTED: usize = 400;

/// An author's text on one line: invisible characters are escaped as `\u{…}`, and long texts are truncated.
pub(super) fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * MAX_QUOTED));
    for (index, character) in text.chars().enumerate() {
        if index >= MAX_QUOTED {
            line.push('…');
            break;
        }
        if is_hidden(character) { line.extend(character.escape_unicode()) } else { line.push(character) }
    }
    line
}

/// Names between backticks, as a list.
pub(super) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

pub(super) fn compare(difference: &mut CapabilityDiff, old: &Description, new: &Description) {
    let CapabilityDiff { wider, other, .. } = difference;
    for (code, what, before, after) in [
        (Code::Name, "it is called", &old.name, &new.name),
        (Code::Description, "it describes itself as", &old.description, &new.description),
    ] {
        if before != after {
            let (before, after) = (visible(before), visible(after));
            let text = format!("{what} “{after}”, and no longer “{before}”");
            wider.push(Difference::new(code, text, &[("before", &before), ("after", &after)]));
        }
    }
    let (before, after) = (&old.texts, &new.texts);
    if before.readme != after.readme {
        wider.push(Difference::new(Code::Readme, "its README is another one: read it", &[]));
    }
    if before.logo != after.logo {
        wider.push(Difference::new(Code::Logo, "its logo is another one", &[]));
    }
    wider.extend(purposes(old.manifest.hosts(), new.manifest.hosts()));
    if old.version == new.version {
        let version = visible(&new.version);
        let text = format!("the author's version is still `{version}`, though the file differs");
        other.push(Difference::new(Code::VersionSame, text, &[("version", &version)]));
    } else {
        let (before, after) = (visible(&old.version), visible(&new.version));
        let text = format!("the author's version: {before} → {after}");
        other.push(Difference::new(Code::Version, text, &[("before", &before), ("after", &after)]));
    }
    if old.texts.template_schema != new.texts.template_schema {
        other.push(Difference::new(Code::TemplateChanged, "templates are described otherwise", &[]));
    }
}

/// Hosts of both versions whose purposes differ. A new host is listed with its purpose elsewhere.
fn purposes(old: &[HostNeed], new: &[HostNeed]) -> Vec<Difference> {
    let mut lines = Vec::new();
    for need in new {
        let of_origin: Vec<&HostNeed> = old.iter().filter(|other| other.origin() == need.origin()).collect();
        let is_same =
            |other: &&&HostNeed| other.path_prefix() == need.path_prefix() && other.methods() == need.methods();
        let exactly: Vec<&HostNeed> = of_origin.iter().filter(is_same).copied().collect();
        let known = if exactly.is_empty() { &of_origin } else { &exactly };
        if known.is_empty() || known.iter().any(|other| other.purpose() == need.purpose()) {
            continue;
        }
        let place = format!("{}{}", need.origin(), need.path_prefix());
        let before = visible(&known.iter().map(|other| other.purpose()).collect::<Vec<_>>().join(" / "));
        let after = visible(need.purpose());
        let text = format!("what {place} is for: “{after}”, and no longer “{before}”");
        let values = [("target", place.as_str()), ("before", &before), ("after", &after)];
        lines.push(Difference::new(Code::Purpose, text, &values));
    }
    lines
}
