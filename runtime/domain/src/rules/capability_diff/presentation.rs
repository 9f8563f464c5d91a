//! What a person reads of a version before trusting it.
//!
//! Promise: a version cannot call itself otherwise, or explain itself otherwise, without an approval: who has read the words of
//! the version before trusts this one for them.

use sendbox_contract::is_hidden;
use sendbox_policy::HostNeed;

use super::{Description, Difference};
use crate::model::{DifferenceCode as Code, DifferenceLine};

/// Characters of an author's text that a line quotes at most.
const QUOTED: usize = 400;

/// An author's text on one line: what cannot be seen is written as `\u{…}`, and what is too long is cut.
pub(super) fn visible(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * QUOTED));
    for (index, character) in text.chars().enumerate() {
        if index >= QUOTED {
            line.push('…');
            break;
        }
        if is_hidden(character) { line.extend(character.escape_unicode()) } else { line.push(character) }
    }
    line
}

pub(super) fn compare(difference: &mut Difference, old: &Description, new: &Description) {
    let Difference { wider, other, .. } = difference;
    for (code, what, before, after) in [
        (Code::Name, "it is called", &old.name, &new.name),
        (Code::Description, "it describes itself as", &old.description, &new.description),
    ] {
        if before != after {
            let (before, after) = (visible(before), visible(after));
            let text = format!("{what} “{after}”, and no longer “{before}”");
            wider.push(DifferenceLine::new(code, text, &[("before", &before), ("after", &after)]));
        }
    }
    let (before, after) = (old.texts.as_ref(), new.texts.as_ref());
    if before.map(|texts| &texts.readme) != after.map(|texts| &texts.readme) {
        wider.push(DifferenceLine::new(Code::Readme, "its README is another one: read it", &[]));
    }
    if before.map(|texts| &texts.logo) != after.map(|texts| &texts.logo) {
        wider.push(DifferenceLine::new(Code::Logo, "its logo is another one", &[]));
    }
    wider.extend(purposes(old.manifest.hosts(), new.manifest.hosts()));
    if old.version == new.version {
        let version = visible(&new.version);
        let text = format!("the author's version is still `{version}`, though the file differs");
        other.push(DifferenceLine::new(Code::VersionSame, text, &[("version", &version)]));
    } else {
        let (before, after) = (visible(&old.version), visible(&new.version));
        let text = format!("the author's version: {before} → {after}");
        other.push(DifferenceLine::new(Code::Version, text, &[("before", &before), ("after", &after)]));
    }
    if before.map(|texts| &texts.template_schema) != after.map(|texts| &texts.template_schema) {
        other.push(DifferenceLine::new(Code::TemplateChanged, "templates are described otherwise", &[]));
    }
}

/// Hosts that both know, and that are explained otherwise. A host that is new has its purpose in its own line.
fn purposes(old: &[HostNeed], new: &[HostNeed]) -> Vec<DifferenceLine> {
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
        lines.push(DifferenceLine::new(Code::Purpose, text, &values));
    }
    lines
}
