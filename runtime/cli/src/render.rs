//! Text output. Escapes what connectors and providers wrote, so that the terminal does not interpret it.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use sendbox_contract::is_hidden;
use sendbox_domain::TextSize;
use sendbox_sandbox::{
    Failure, Party, Receipt, RequestRecord, RequestSent, SendResult, TextEncoding, TraceEvent, TraceKind,
};

/// Writes to stdout. A closed pipe is not an error.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes a line to stderr. Ignores errors, which could not be reported anywhere.
pub fn warn(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Untrusted text, escaped for one line of a terminal.
pub fn line(text: &str) -> String {
    escape(text, |_| false)
}

/// Untrusted text, escaped except for its line breaks.
pub fn lines(text: &str) -> String {
    escape(text, |character| character == '\n')
}

/// Control characters and directional overrides become `\u{…}`.
fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) && !keep(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The receipt of an accepted message, and what the send used.
pub fn accepted(receipt: &Receipt, size: Option<TextSize>, report: &SendResult) -> String {
    let mut text = format!("Accepted by {}.\n", provider(report));
    let mut row = |name: &str, value: &str| {
        writeln!(text, "  {name:<12} {}", line(value)).ok();
    };
    row("provider id", receipt.message_id.as_deref().unwrap_or("none given"));
    row("status", receipt.status.as_deref().unwrap_or("none given"));
    row("segments", &segments(receipt.segments, size));
    if let Some(price) = &receipt.price {
        row("price", &format!("{} {}", price.amount, price.currency));
    }
    text.push_str(&used(report));
    text
}

fn segments(counted: Option<u32>, size: Option<TextSize>) -> String {
    match (size, counted) {
        (Some(size), Some(counted)) if size.segments != counted => {
            format!("{}; the provider counts {counted}", text_size(size))
        }
        (Some(size), _) => text_size(size),
        (None, Some(counted)) => format!("{counted}, according to the provider"),
        (None, None) => "unknown; the provider composes the text".to_owned(),
    }
}

/// `1 (GSM-7, 92 septets)`
fn text_size(size: TextSize) -> String {
    let (encoding, unit) = match size.encoding {
        TextEncoding::Gsm7 => ("GSM-7", "septets"),
        TextEncoding::Ucs2 => ("UCS-2", "UTF-16 units"),
    };
    format!("{} ({encoding}, {} {unit})", size.segments, size.units)
}

/// What a send used, and the hosts that it reached.
fn used(report: &SendResult) -> String {
    let used = &report.used;
    let hosts = if report.hosts_reached.is_empty() { "none".to_owned() } else { report.hosts_reached.join(", ") };
    format!(
        "  {:<12} {}\n  {:<12} {}\n  {:<12} {}\n  {:<12} {}\n",
        "time",
        millis(used.time),
        "CPU",
        millis(used.cpu),
        "memory",
        bytes(used.memory_bytes as u64),
        "reached",
        line(&hosts),
    )
}

fn provider(report: &SendResult) -> String {
    if report.hosts_reached.is_empty() { "the provider".to_owned() } else { line(&report.hosts_reached.join(", ")) }
}

/// A failed send: who failed, whether anything was sent, and what to do.
pub fn failed(failure: &Failure, report: &SendResult) -> String {
    let code = failure.provider_code.as_ref().map(|code| format!(", provider code {}", line(code))).unwrap_or_default();
    let who = match failure.party {
        Party::Connector => "the connector".to_owned(),
        Party::Policy => "a rule of Sendbox refused it".to_owned(),
        Party::Network => "the network".to_owned(),
        Party::Provider => format!("the provider, {}", provider(report)),
        Party::Host => "Sendbox or this machine".to_owned(),
    };
    let sent = match failure.request_sent {
        RequestSent::No => "no, nothing of the message was sent",
        RequestSent::Maybe => "perhaps: bytes were sent, and no complete response was received",
        RequestSent::Yes => "yes, and the provider responded",
    };
    let mut text = format!("error: {} ({}{code})\n", lines(&failure.text), failure.class);
    writeln!(text, "  {:<12} {who}", "who failed").ok();
    writeln!(text, "  {:<12} {sent}", "was it sent").ok();
    writeln!(text, "  {:<12} {}", "what to do", failure.advice()).ok();
    if let Some(seconds) = failure.retry_after {
        writeln!(text, "  {:<12} after {seconds} s at the earliest", "try again").ok();
    }
    text.push_str(used(report).trim_end());
    text
}

/// A request, with sealed values masked unless the record has them in clear.
pub fn request(record: &RequestRecord) -> String {
    let (url, headers, body) = match &record.clear {
        Some(clear) => (&clear.url, &clear.headers, &clear.body),
        None => (&record.url, &record.headers, &record.body),
    };
    let mut text = format!("{} {}\n", record.method, line(url));
    for (name, value) in headers {
        writeln!(text, "{}: {}", line(name), line(value)).ok();
    }
    write!(text, "\n{}\n", lines(body)).ok();
    text
}

/// The trace of a send, one line per event.
pub fn trace(events: &[TraceEvent]) -> String {
    events
        .iter()
        .map(|event| format!("  {:>9}  {}\n", millis(Duration::from_micros(event.at_us)), event_text(&event.what)))
        .collect()
}

fn event_text(kind: &TraceKind) -> String {
    match kind {
        TraceKind::Instantiated => "a new instance is ready".to_owned(),
        TraceKind::Config { key, secret: false } => format!("reads the parameter {}", line(key)),
        TraceKind::Config { key, secret: true } => format!("gets the secret {}, sealed", line(key)),
        TraceKind::Sealed { operation } => format!("composes a sealed value: {}", operation.as_str()),
        TraceKind::Revealed { labels } => format!("READS a sealed value, as granted: {}", line(labels)),
        TraceKind::Request { method, url, carries_message } => {
            let message = if *carries_message { " (with the message)" } else { "" };
            format!("request allowed: {} {}{message}", line(method), line(url))
        }
        TraceKind::Refused { reason } => format!("request REFUSED: {}", line(reason)),
        TraceKind::Response { status, body_bytes, peer, body } => {
            let body = if body.is_empty() { String::new() } else { format!(": {}", line(body)) };
            format!("response: {status} ({body_bytes} bytes, from {}){body}", line(peer))
        }
        TraceKind::NoResponse { reason } => format!("no response: {}", line(reason)),
        TraceKind::Log { level, message } => format!("log {}: {}", level.as_str(), line(message)),
        TraceKind::LogTruncated => "further log lines are dropped".to_owned(),
        TraceKind::Returned { result } => format!("returns: {}", line(result)),
    }
}

/// `12.3 ms`
pub fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// `1.2 MiB`
pub fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} bytes"),
        1024..0x10_0000 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / f64::from(1 << 20)),
    }
}

/// An argument, quoted for a shell if necessary.
pub fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=+,@%".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The name or absolute path by which this command was called, so that printed command lines work in any folder.
pub fn own_name() -> String {
    let name = std::env::args().next().unwrap_or_else(|| "sendbox".to_owned());
    // A bare name was found in the PATH.
    if !name.contains(std::path::is_separator) {
        return quoted(&name);
    }
    std::path::absolute(&name).map_or_else(|_| quoted(&name), |path| quoted(&path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(line("a\u{1b}[2J\nb\u{202e}"), "a\\u{1b}[2J\\u{a}b\\u{202e}");
        assert_eq!(lines("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn arguments_are_quoted_for_a_shell() {
        assert_eq!(quoted("/tmp/a-b.json"), "/tmp/a-b.json");
        assert_eq!(quoted("it's a b"), "'it'\\''s a b'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn sizes() {
        assert_eq!(
            (bytes(999).as_str(), bytes(1536).as_str(), bytes(3 << 20).as_str()),
            ("999 bytes", "1.5 KiB", "3.0 MiB")
        );
    }
}
