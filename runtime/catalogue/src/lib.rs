//! What comes with Sendbox: the built-in connectors, the starter project for authors, the default texts.
//!
//! The connectors are built from `connectors/` by this crate's build script. Nothing here is trusted more than an upload:
//! a built-in connector is loaded, judged and run like any other.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A connector that comes with Sendbox.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// The name on the command line: `twilio`.
    pub name: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// All built-in connectors, by name.
pub fn all() -> &'static [BuiltIn] {
    CONNECTORS
}

/// The built-in connector of this name.
pub fn find(name: &str) -> Option<&'static BuiltIn> {
    CONNECTORS.iter().find(|connector| connector.name == name)
}

/// The starter project: paths relative to its folder, and contents. Includes the SDK and the contract.
pub fn template_files() -> &'static [(&'static str, &'static [u8])] {
    STARTER
}

/// The default texts of a locale (`en`, `pt-BR`), as JSON.
pub fn messages(locale: &str) -> Option<&'static str> {
    let name = format!("{locale}.json");
    let (_, contents) = MESSAGES.iter().find(|(path, _)| *path == name)?;
    std::str::from_utf8(contents).ok()
}

/// Every locale that has default texts, with its texts as JSON.
pub fn all_messages() -> impl Iterator<Item = (&'static str, &'static str)> {
    MESSAGES
        .iter()
        .filter_map(|(path, contents)| Some((path.strip_suffix(".json")?, std::str::from_utf8(contents).ok()?)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_connector_is_a_component_within_its_size() {
        for connector in super::all() {
            assert!(connector.component.starts_with(b"\0asm\x0d\0\x01\0"), "{}", connector.name);
            assert!(connector.component.len() <= 320 << 10, "{}: {}", connector.name, connector.component.len());
        }
    }

    #[test]
    fn english_texts_are_here() {
        assert!(super::messages("en").unwrap().contains("{{code}}"));
        assert!(super::messages("../en").is_none());
    }
}
