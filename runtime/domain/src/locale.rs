//! Languages: what a request asks for, and which of the languages that exist serves it.
//!
//! Tags are compared by what CLDR adds to them (likely subtags), so that `zh-CN` and `zh-Hans-CN` are one language, and `zh-TW` is written
//! in another script.

use icu_locale::{LanguageIdentifier, LocaleExpander};

/// Maximum length of a tag, in bytes (RFC 5646, 4.4.1).
const MAX_TAG_BYTES: usize = 35;

/// Whether a text is formed like a BCP 47 tag.
pub fn is_language_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    text.len() <= MAX_TAG_BYTES
        && subtags.next().is_some_and(|language| {
            (2..=8).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
        && subtags
            .all(|subtag| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The first language that is understood: of a tag, with `-` or `_`, of a list (`fr-CA fr en`), of an `Accept-Language` header
/// (`en-US,en;q=0.9`), or of a POSIX locale (`de_DE.UTF-8`). `None` asks for the texts of no particular language.
pub fn understood(requested: &str) -> Option<String> {
    requested.split(|character: char| character == ',' || character.is_whitespace()).find_map(|entry| {
        let tag = entry.split([';', '.', '@']).next()?.replace('_', "-");
        is_language_tag(&tag).then_some(tag)
    })
}

/// How well a known language serves the wanted one; the lowest is the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is written the same.
    Same,
    /// It is the same language, script and country.
    SameCountry,
    /// Its tag is what the wanted one begins with, like `pt` of `pt-AO`.
    Prefix,
    /// It is for several countries, like `es-419`.
    SeveralCountries,
    /// It is for no country in particular.
    NoCountry,
    /// It is for another country, and as there in the same script.
    OtherCountry,
}

/// The best of the known languages for the wanted one. Of equal ones, the first. `None` if each is another language, or is written in
/// another script.
pub fn best<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter().filter_map(|tag| Some((fit(wanted, tag)?, tag)));
    // `min_by_key` takes the first of equal ones.
    known.min_by_key(|(fit, _)| *fit).map(|(_, tag)| tag)
}

fn fit(wanted: &str, known: &str) -> Option<Fit> {
    if wanted.eq_ignore_ascii_case(known) {
        return Some(Fit::Same);
    }
    let is_prefix = wanted
        .get(..known.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(known) && wanted.as_bytes().get(known.len()) == Some(&b'-'));
    let (Some(wanted), Some(as_given)) = (identifier(wanted), identifier(known)) else {
        // Of tags that CLDR does not read, the beginning counts.
        return is_prefix.then_some(Fit::Prefix);
    };
    let (wanted, known) = (maximal(wanted), maximal(as_given.clone()));
    if (wanted.language, wanted.script) != (known.language, known.script) {
        return None;
    }
    let fit = match as_given.region {
        _ if wanted.region == known.region => Fit::SameCountry,
        _ if is_prefix => Fit::Prefix,
        Some(region) if !region.is_alphabetic() => Fit::SeveralCountries,
        None => Fit::NoCountry,
        Some(_) => Fit::OtherCountry,
    };
    Some(fit)
}

/// Language, script, region and variants of a tag; extensions are left out.
fn identifier(tag: &str) -> Option<LanguageIdentifier> {
    icu_locale::Locale::try_from_str(tag).ok().map(|locale| locale.id)
}

/// The identifier with the script and the region that CLDR adds.
fn maximal(mut identifier: LanguageIdentifier) -> LanguageIdentifier {
    LocaleExpander::new_extended().maximize(&mut identifier);
    identifier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (text, is_tag) in [
            ("da", true),
            ("pt-BR", true),
            ("zh-Hant-TW", true),
            ("da_DK", false),
            ("d", false),
            ("", false),
            ("*", false),
        ] {
            assert_eq!(is_language_tag(text), is_tag, "{text}");
        }
    }

    #[test]
    fn what_platforms_write_is_understood() {
        for (requested, wanted) in [
            ("da", Some("da")),
            ("pt_BR", Some("pt-BR")),
            ("en_AE", Some("en-AE")),
            ("zh_Hans_CN", Some("zh-Hans-CN")),
            ("fr-CA fr en", Some("fr-CA")),
            ("en-US,en;q=0.9", Some("en-US")),
            ("*, de;q=0.5", Some("de")),
            ("de_DE.UTF-8", Some("de-DE")),
            ("de_DE@euro", Some("de-DE")),
            (" de ", Some("de")),
            ("not-a-language-tag-of-reasonable-length-at-all sv", Some("sv")),
            ("*", None),
            ("", None),
            ("C", None),
            ("12", None),
            ("!", None),
        ] {
            assert_eq!(understood(requested).as_deref(), wanted, "{requested}");
        }
    }

    #[test]
    fn the_best_language_serves() {
        for (wanted, known, best_one) in [
            ("zh-Hans-CN", &["en", "zh-CN"][..], Some("zh-CN")),
            ("zh", &["zh-CN"], Some("zh-CN")),
            ("zh-SG", &["zh-CN"], Some("zh-CN")),
            ("zh-TW", &["zh-CN"], None),
            ("zh-TW", &["zh"], None),
            ("zh-HK", &["zh-CN", "zh-TW"], Some("zh-TW")),
            ("zh-HK", &["zh", "zh-Hant"], Some("zh-Hant")),
            ("pt", &["pt-BR"], Some("pt-BR")),
            ("pt", &["pt-PT", "pt-BR"], Some("pt-BR")),
            ("pt-AO", &["pt-BR", "pt-PT", "pt"], Some("pt")),
            ("PT-br", &["pt", "pt-BR"], Some("pt-BR")),
            ("es-AR", &["es-ES", "es-419"], Some("es-419")),
            ("es-AR", &["es-ES", "es-MX"], Some("es-ES")),
            ("en-AE", &["en-GB", "de"], Some("en-GB")),
            ("sr-Latn", &["sr"], None),
            ("sr-RS", &["sr-Latn", "sr-Cyrl"], Some("sr-Cyrl")),
            ("no", &["da", "nb"], None),
            ("de-u-co-phonebk", &["de"], Some("de")),
            ("de-AT", &["da"], None),
            ("de", &[], None),
        ] {
            assert_eq!(best(wanted, known.iter().copied()), best_one, "{wanted} of {known:?}");
        }
    }
}
