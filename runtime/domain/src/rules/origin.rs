//! The line that binds a code to a site (WICG, origin-bound one-time codes): `@example.com #123456`, as the last line of a text. A phone
//! then suggests the code on that site only, so a phishing page does not get it.
//!
//! Promises: the line is the last one, occurs once, and follows an empty line.
//!
//! Must not know: templates, providers.

use zeroize::Zeroizing;

/// Whether a text is a DNS name that the line may contain: in lower case, with at least one dot, and not an IP address. Names in other
/// scripts are written as in DNS (`xn--…`).
pub fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A browser takes a name whose last label is numeric for an IPv4 address.
    let named = |(_, last): (&str, &str)| !last.bytes().all(|byte| byte.is_ascii_digit());
    text.len() <= 253 && text.split('.').all(label) && text.rsplit_once('.').is_some_and(named)
}

/// Appends the line to a text, unless the text already ends with it.
pub fn bind(text: &str, domain: &str, code: &str) -> Zeroizing<String> {
    let text = text.trim_end();
    // Allocated at its final size: a string that grows leaves copies behind in freed memory.
    let mut bound = Zeroizing::new(String::with_capacity(text.len() + domain.len() + code.len() + 5));
    let own = text.lines().next_back().and_then(|line| line.strip_prefix('@')).and_then(|line| line.split_once(" #"));
    bound.push_str(text);
    if own != Some((domain, code)) {
        for piece in [if text.is_empty() { "" } else { "\n\n" }, "@", domain, " #", code] {
            bound.push_str(piece);
        }
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for (text, good) in [
            ("example.com", true),
            ("login.example.co.uk", true),
            ("xn--bcher-kva.example", true),
            ("1.example", true),
            ("localhost", false),
            ("Example.com", false),
            ("example.com.", false),
            (".example.com", false),
            ("a..b", false),
            ("-a.com", false),
            ("a-.com", false),
            ("a_b.com", false),
            ("bücher.example", false),
            ("192.0.2.1", false),
            ("https://example.com", false),
            ("example.com:443", false),
            ("example.com #1", false),
            ("", false),
        ] {
            assert_eq!(is_domain(text), good, "{text}");
        }
        assert!(is_domain(&format!("{}.com", "a".repeat(63))) && !is_domain(&format!("{}.com", "a".repeat(64))));
        assert!(is_domain(&format!("{}com", "a.".repeat(125))) && !is_domain(&format!("{}comm", "a.".repeat(125))));
    }

    #[test]
    fn the_line_is_the_last_and_there_once() {
        for (text, want) in [
            ("Code 123456", "Code 123456\n\n@example.com #123456"),
            ("Code 123456\n", "Code 123456\n\n@example.com #123456"),
            ("", "@example.com #123456"),
            ("Code\n\n@example.com #123456", "Code\n\n@example.com #123456"),
            ("Code\n\n@example.com #123456 \n", "Code\n\n@example.com #123456"),
            ("Code\r\n\r\n@example.com #123456", "Code\r\n\r\n@example.com #123456"),
            // A line for another domain does not replace ours, and is no longer the last.
            ("Code\n@evil.example #123456", "Code\n@evil.example #123456\n\n@example.com #123456"),
            ("Code\n@example.com #1234567", "Code\n@example.com #1234567\n\n@example.com #123456"),
            ("Code @example.com #123456", "Code @example.com #123456\n\n@example.com #123456"),
            ("@example.com #123456\nBye", "@example.com #123456\nBye\n\n@example.com #123456"),
        ] {
            let bound = bind(text, "example.com", "123456");
            assert_eq!(bound.as_str(), want);
            assert_eq!(bind(&bound, "example.com", "123456").as_str(), want, "not doubled");
        }
    }
}
