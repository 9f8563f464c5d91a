//! The web console, as files: built by `build.rs` from `web/`, embedded here, served by the server.
//!
//! The console is a page that uses the public REST API and nothing else. Whoever serves it puts a fresh nonce for styles where
//! [`NONCE`] stands in the page.
//!
//! Must not know: HTTP, sessions, the API.

use std::borrow::Cow;

/// What stands in the page where the nonce of an answer belongs.
pub const NONCE: &str = "__STYLE_NONCE__";

/// The page itself.
const PAGE: &str = "index.html";

#[derive(rust_embed::Embed)]
#[folder = "$OUT_DIR/dist"]
struct Files;

/// One file.
pub struct File {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub media_type: &'static str,
    /// Whether another content would have another name, so that it can be kept for ever.
    pub is_immutable: bool,
    /// Whether the bytes are gzip.
    pub is_gzip: bool,
}

/// The page: the same for every path of the console.
pub fn page() -> String {
    Files::get(PAGE).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
}

/// A file by its path below the console's. Where there is a smaller form of it, and `gzip` says that the browser reads that,
/// it is that one.
pub fn file(path: &str, gzip: bool) -> Option<File> {
    let media_type = media_type(path)?;
    let is_immutable = path.starts_with("assets/");
    let smaller = gzip.then(|| Files::get(&format!("{path}.gz"))).flatten();
    let is_gzip = smaller.is_some();
    let bytes = smaller.or_else(|| Files::get(path))?.data;
    Some(File { bytes, media_type, is_immutable, is_gzip })
}

/// By the name. What is not here is not served under its own name: the page, and the smaller forms.
fn media_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_and_everything_it_names() {
        let page = page();
        assert!(page.contains("<title>Sendbox</title>"), "{page}");
        let named: Vec<&str> = page
            .split(['"', '\''])
            .filter_map(|text| text.strip_prefix("/console/"))
            .filter(|path| path.contains('.'))
            .collect();
        for path in named {
            assert!(file(path, false).is_some(), "{path}");
        }
    }

    #[test]
    fn only_files_of_known_kinds_are_served() {
        for path in ["index.html", "", "..", "../Cargo.toml", "assets/", "assets/none.js", "assets/none.js.gz"] {
            assert!(file(path, true).is_none(), "{path}");
        }
    }
}
