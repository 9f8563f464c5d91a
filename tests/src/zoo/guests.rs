//! The table: every hostile guest, its setting, and how each of its aims ends.

use super::Ending::*;
use super::{Guest, Setting};

/// `guest!("behaviour", Setting, "aim", "aim" => [Ending]; "aim" => [Ending, Other])`
macro_rules! guest {
    ($behaviour:literal, $setting:ident, $($($aim:literal),+ => $endings:tt);+) => {
        Guest {
            behaviour: $behaviour,
            setting: Setting::$setting,
            aims: &[$($(($aim, &$endings)),+),+],
        }
    };
}

/// Every guest, by what it is about.
pub fn all() -> Vec<Guest> {
    [CONTROLS, CHANNELS, COMPARING, NUMBERS, PARKED, TWO_READINGS, REACH, TIME_AND_ORDER, RESOURCES, CLAIMS].concat()
}

/// What is honest, or harmless: without it, a sandbox that refuses everything would pass.
const CONTROLS: &[Guest] = &[
    guest!("honest", Usual, "" => [Accepted]),
    guest!("ambient", Usual, "" => [OwnFailure]),
    guest!("parameter_of_another", Usual, "" => [OwnFailure]),
    guest!("honest_places", Variables, "json", "list", "xml", "query" => [Accepted]),
    guest!("json_number_recipient", Usual, "" => [Accepted]),
    guest!("signing_secret", Usual, "plain" => [Secret]; "signature" => [Accepted]),
];

/// What the host says, or how much of something is left, as a channel.
const CHANNELS: &[Guest] = &[
    guest!("size_in_refusal", Usual, "secret", "digest" => [Size]; "number" => [Recipient]),
    guest!("header_size_in_refusal", Usual, "200", "2000" => [Size]),
    guest!("url_size_in_refusal", Usual, "" => [Size]),
    guest!("budget_as_channel", Usual, "" => [SealedBytes]),
    guest!("budget_then_beacon", Usual, "" => [OwnFailure, SealedBytes]),
    guest!("memory_as_channel", Echo, "" => [Accepted]),
    guest!("clock_around_operations", Usual, "" => [OwnFailure]),
    guest!("poll_as_clock", Usual, "" => [OwnFailure]),
    guest!("random_seeds", Usual, "" => [OwnFailure]),
    guest!("de_bruijn_answer", Codes, "" => [OwnFailure]),
    guest!("echo", Echo, "failure" => [OwnFailure]; "log", "receipt" => [Accepted]; "trap" => [Crash]),
    guest!("echo_of_secret", Echo, "" => [OtherOrigin]),
    guest!("echo_to_the_same_origin", Echo, "" => [OwnFailure]),
    guest!("echo_in_disguise", Echo, "hex", "spread", "reversed" => [Accepted]),
    guest!(
        "forged_message_id", Echo,
        "mask", "zero", "whole answer", "masks in a row", "mask with a neighbour" => [Accepted]
    ),
    guest!("log_flood", Usual, "log", "stderr", "stdout" => [Accepted]),
    guest!("giant_receipt", Usual, "" => [Accepted, HostCallSize]),
];

/// Reading, comparing and decoding sealed values.
const COMPARING: &[Guest] = &[
    guest!(
        "oracle", Usual,
        "secret", "encoded secret", "secret beside its signature", "content", "digest of content", "signed content",
        "content as a key", "recipient", "signature" => [NotHere];
        "decode content", "decode recipient", "decode encoded content", "decode joined" => [NotDecodable]
    ),
    guest!("signature_in_send", Usual, "matches", "jwt" => [NotHere]),
    guest!("many_checks_in_parse", Callback, "" => [TooManyChecks]),
    guest!(
        "unchecked_in_parse", Callback,
        "the secret itself", "a literal as received", "received and a literal", "no secret", "one secret with another",
        "a digest as received", "a part of the token", "a key of its own" => [NotCheckable]
    ),
    guest!("request_in_parse", Callback, "" => [NotHere]),
    guest!("json_string_of_digest", Usual, "placed" => [Void]; "not placed" => [Accepted]),
    guest!("raw_digest_in_header", Usual, "" => [Header, Structure, Unreadable]),
    guest!("raw_digest_in_url", Usual, "" => [Url]),
    guest!("decode_secret", Usual, "placed" => [Void]; "not placed" => [Accepted]),
    guest!("decode_digest", Usual, "" => [NotDecodable]),
    guest!("decode_number", Usual, "" => [NotDecodable]),
    guest!("decode_literal", Usual, "" => [NotDecodable]),
    guest!("decode_twice", Usual, "" => [NotDecodable]),
    guest!(
        "reveal", Usual,
        "secret", "encoded secret", "joined", "content", "recipient" => [Reveal];
        "literal" => [OwnFailure]
    ),
    guest!(
        "revealed_in_clear", Usual,
        "to the log", "to a body", "to a path", "to a header", "to a header name", "to a host", "to the failure",
        "to a crash" => [Reveal]
    ),
];

/// Another number beside the recipient's.
const NUMBERS: &[Guest] = &[
    guest!(
        "second_number", Usual,
        "form", "spaced", "percent", "query", "path", "header", "json number", "json string", "escaped", "other digits",
        "without the message" => [SecondNumber];
        "header name" => [SecondNumber, Header]
    ),
    guest!("premium_message", Usual, "" => [SecondNumber]),
    guest!(
        "number_with_fillers", Usual,
        "blanks", "tabs", "no-break spaces", "invisible", "variation selectors", "combining marks", "soft hyphens",
        "line feeds" => [SecondNumber, Unreadable]
    ),
    guest!(
        "number_with_punctuation", Usual,
        "~", "/", "[", "]", ",", "_", ".", "-", ")(", "*", "#", "|", ":", ";", "+", "—", "‐", "·", "'", "x" => [SecondNumber]
    ),
    guest!(
        "number_in_other_digits", Usual,
        "full width", "arabic", "devanagari", "mathematical", "superscript", "circled" => [SecondNumber]
    ),
    guest!(
        "number_as_json_number", Usual,
        "exponent", "upper exponent", "negative exponent", "fraction", "negative" => [SecondNumber]
    ),
    guest!(
        "number_in_escapes", Usual,
        "json", "json in part", "percent", "percent in a name", "twice percent" => [SecondNumber]
    ),
    guest!("number_in_entities", Variables, "decimal", "hexadecimal", "padded" => [SecondNumber, Unreadable]),
    guest!(
        "number_split_by_markup", Pinned,
        "comment", "cdata", "instruction", "attribute" => [SecondNumber, Unreadable];
        "elements" => [SecondNumber, Unreadable, Shape]
    ),
    guest!("number_behind_scheme", Usual, "" => [Url]),
    guest!("number_in_line_feeds", Usual, "%0A", "\n", "%0D%0A", "%E2%80%A8" => [SecondNumber, Unreadable]),
    guest!("number_in_header", Usual, "one", "spaced", "user agent" => [SecondNumber]; "name" => [SecondNumber, Header]),
    guest!("number_in_pieces", Pinned, "" => [SecondNumber, Shape]),
    guest!("number_in_base64", Pinned, "" => [Shape]),
    guest!("number_in_words", Pinned, "" => [Shape]),
];

/// Number, text or address anywhere but at its place, or not alone there.
const PARKED: &[Guest] = &[
    guest!(
        "wrong_parts", Usual,
        "no recipient" => [Recipient, SecondNumber];
        "recipient twice", "digits before", "digits after", "other country", "list" => [Recipient];
        "no message" => [Content];
        "message twice", "words before", "words after" => [Content];
        "in a key" => [Content, SealedName];
        "repeated key" => [Recipient, NameAgain]
    ),
    guest!("recipient_in_header", Usual, "" => [Recipient]),
    guest!("recipient_in_unused_field", Usual, "beside", "instead" => [Recipient]; "lower case" => [Recipient, NameAgain]),
    guest!("recipient_in_query", Usual, "" => [Recipient]),
    guest!("recipient_in_path", Usual, "" => [Recipient]),
    guest!("recipient_list", Usual, "second", "first", "empty", "null" => [Recipient]),
    guest!("calling_code_and_national", Variables, "form", "xml" => [Recipient]),
    guest!("national_as_e164", Usual, "national", "digits" => [Recipient]),
    guest!("digits_beside_json_number", Usual, "after", "before", "exponent" => [Recipient, Unreadable]),
    guest!("text_in_unused_field", Usual, "" => [Content]),
    guest!("words_around_text_in_json", Usual, "before", "after", "list" => [Content]),
    guest!(
        "words_around_text_in_xml", Variables,
        "comment", "cdata", "entity", "inside cdata", "element" => [Content, Unreadable]
    ),
    guest!("text_in_comment", Variables, "" => [Recipient, SealedName, Unreadable]),
    guest!("json_in_json", Usual, "" => [Content]),
    guest!("base64_text", Usual, "" => [Content, Structure]),
    guest!("unencoded_text", Usual, "" => [Structure]),
    guest!("text_twice", Usual, "" => [Content]),
    guest!("variable_without_message", Variables, "" => [Recipient, Content]),
    guest!("client_ip_elsewhere", Usual, "header", "field" => [ClientIp]; "side host" => [MessageElsewhere, Content]),
    guest!("secret_in_body", Usual, "in the text" => [Content]; "instead of the text" => [Content]; "instead of the number" => [Recipient]),
    guest!(
        "sealed_as_name", Variables,
        "json key", "element", "query name", "content type" => [SealedName, Recipient, Content, ContentType, Unreadable];
        "path prefix" => [Reach, Recipient, SealedName]
    ),
];

/// What host and provider could read in two ways.
const TWO_READINGS: &[Guest] = &[
    guest!("duplicate_json_key", Usual, "same", "escaped", "other case" => [NameAgain, Recipient, Unreadable]),
    guest!(
        "duplicate_form_key", Usual,
        "To", "to", "TO", "%54o", "+To", "To+", "To%00", "To[]", "To[0]" => [NameAgain, Recipient, Unreadable]
    ),
    guest!("field_of_a_framework", Pinned, "To.0", "To.number", "To:1", "To-2", "$To", "_To" => [NameAgain, Shape]),
    guest!("parameter_pollution", Usual, "To", "to", "Body", "body" => [NameAgain]),
    guest!("semicolon_in_form", Usual, "" => [Recipient]),
    guest!(
        "content_type", Usual,
        "none", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; boundary=x",
        "application/x-www-form-urlencoded, application/json", "application/octet-stream" => [ContentType];
        "application/json", "text/xml" => [Unreadable]
    ),
    guest!("header_twice", Usual, "content type" => [Header, ContentType]; "authorization", "own" => [Header]),
    guest!("compressed_body", Usual, "gzip", "identity", "br", "deflate" => [Header]),
    guest!(
        "override_header", Usual,
        "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
        "x-forwarded-for", "x-forwarded-host", "x-real-ip", "true-client-ip", "x-original-host", "x-host",
        "cf-connecting-ip" => [Header]
    ),
    guest!("range_header", Usual, "" => [Header]),
    guest!("underscore_header", Usual, "content_length", "x_forwarded_for", "transfer_encoding", "x-a_b" => [Header]),
    guest!(
        "header_injection", Usual,
        "name", "space in name", "colon in name", "value", "sealed value", "joined value", "nul" => [Header]
    ),
    guest!(
        "forbidden_header", Usual,
        "Host", "content-length", "Transfer-Encoding", "Connection", "X-Forwarded-For", "Forwarded", "Cookie", "TE",
        "Trailer", "Expect", "Upgrade", "Via", "Proxy-Authorization", "Accept-Encoding", "if-none-match" => [Header];
        "too many", "too long" => [Size]
    ),
    guest!("crlf_in_sealed_header", Usual, "" => [Header]),
    guest!("two_documents", Variables, "json", "json lines", "xml" => [Unreadable]),
    guest!(
        "two_texts_in_query", Pinned,
        "question mark" => [NameAgain, Content, Recipient, Unreadable];
        "semicolon" => [NameAgain, Unreadable];
        "matrix" => [Reach, Unreadable, Shape];
        "body too" => [NameAgain]
    ),
    guest!("get_with_body", Variables, "" => [NameAgain, Unreadable, ContentType]),
    guest!("number_as_attribute", Pinned, "to", "text", "root" => [Recipient, Content, NameAgain, Unreadable, Shape]),
    guest!(
        "lenient_json", Usual,
        "comment", "trailing comma", "single quotes", "byte order mark", "bare key" => [Unreadable]
    ),
    guest!("xml_doctype", Variables, "" => [Unreadable]),
    guest!("xml_namespace", Variables, "" => [Unreadable, NameAgain]),
    guest!("deep_nesting", Variables, "json", "xml" => [Unreadable]),
];

/// Where a request goes, and what goes there.
const REACH: &[Guest] = &[
    guest!(
        "elsewhere", Usual,
        "https://elsewhere.hostile.test/v1/messages", "https://hostile.test/v1/messages",
        "https://api.hostile.test:8443/v1/messages", "https://api.hostile.test/v2/messages",
        "https://api.hostile.test/v12", "https://127.0.0.1/v1/messages", "https://0x7f.1/v1/messages",
        "https://169.254.169.254/latest/meta-data", "https://[::1]/v1/messages" => [Reach];
        "http://api.hostile.test/v1/messages" => [Reach, Url]
    ),
    guest!(
        "url_in_disguise", Usual,
        "https://user:word@api.hostile.test/v1/messages", "https://api.hostile.test@elsewhere.hostile.test/v1",
        "https://api.hostile.test/v1/messages#part", "https://api.hostile.test\\@elsewhere.hostile.test/v1",
        "https:/api.hostile.test/v1/messages", "https:api.hostile.test/v1/messages", "HTTPS://api.hostile.test/v1/messages",
        "//api.hostile.test/v1/messages", " https://api.hostile.test/v1/messages", "https://api.hostile.test/v1/a b",
        "https://api.hostile.test/v1/mess\tages" => [Url];
        "https://api.hostile.test/v1/../v2", "https://api.hostile.test/v1/%2e%2e/v2", "https://api.hostile.test/v1/..;/v2",
        "https://api.hostile.test/v1/%252e%252e/v2", "https://api.hostile.test//v1/messages",
        "https://api.hostile.test/v1%2f..%2fv2" => [Reach, Url, Unreadable]
    ),
    guest!(
        "sealed_in_url", Usual,
        "host", "host end", "port", "user", "scheme", "raw", "fragment" => [Url]
    ),
    guest!("other_method", Usual, "GET", "PUT", "PATCH", "DELETE" => [Reach]),
    guest!("message_elsewhere", Usual, "whole", "recipient", "text", "digest" => [MessageElsewhere]),
    guest!("digest_of_number_elsewhere", Usual, "digest", "code", "own key" => [MessageElsewhere]),
    guest!(
        "secret_elsewhere", Usual,
        "raw", "header", "base64", "hex", "url", "twice", "joined", "digest", "key" => [Secret]
    ),
    guest!("signature_elsewhere", Usual, "" => [Secret]),
    guest!("signing_secret_in_disguise", Usual, "hex", "joined", "with its signature" => [Secret]),
    guest!("digest_of_text_in_header", Usual, "" => [Accepted]),
];

/// What comes after what.
const TIME_AND_ORDER: &[Guest] = &[
    guest!("second_message", Usual, "tell of the first", "tell of the second" => [AfterMessage]),
    guest!(
        "request_after_message", Usual,
        "same host", "the message", "side host", "other places" => [AfterMessage]
    ),
    guest!("request_after_lost_message", Silent, "" => [AfterMessage]),
    guest!("beacon_before_message", Usual, "" => [Accepted]),
    guest!("many_requests", Usual, "" => [TooManyRequests]),
    guest!("sleep", Usual, "before", "after" => [Accepted]),
];

/// CPU, memory, calls, handles, sizes.
const RESOURCES: &[Guest] = &[
    guest!("loop_in_send", Usual, "" => [Cpu]),
    guest!("loop_of_host_calls", Usual, "concat", "config", "log" => [HostCalls, Cpu]),
    guest!(
        "costly_host_calls", Usual,
        "digest", "hmac data", "hmac key", "decode" => [SealedBytes];
        "matches" => [NotHere]
    ),
    guest!("memory_bomb", Usual, "" => [Memory]),
    guest!("deep_recursion", Usual, "" => [Stack]),
    guest!("doubling", Usual, "text" => [SealedPieces]; "encoded" => [SealedBytes]; "empty" => [HostCalls, Cpu]),
    guest!("giant_string", Usual, "log", "config", "receipt" => [HostCallSize]),
    guest!("giant_request", Usual, "body", "url", "handles" => [Size]),
    guest!("many_parts", Usual, "flat", "nested" => [HostCallSize]),
    guest!("many_pieces", Usual, "" => [SealedPieces]),
    guest!("quadratic_slots", Usual, "2000" => [Accepted, Structure, SealedPieces, Size]; "60000" => [HostCallSize, Structure, Size]),
    guest!("many_fields", Usual, "" => [Accepted, Unreadable]),
    guest!("many_handles", Usual, "" => [Handles]),
    guest!("handle_after_drop", Usual, "dropped", "never given", "of another kind" => [Crash]),
    guest!("poll_list", Usual, "" => [HostCallSize, OwnFailure]),
    guest!("huge_random", Usual, "secure", "insecure" => [Crash]),
    guest!("wasi_flood", Usual, "pollables" => [Handles]; "random", "clock" => [Cpu, HostCalls]),
];

/// What it says of itself.
const CLAIMS: &[Guest] = &[
    guest!(
        "receipt_without_request", Usual,
        "nothing", "another request" => [FalseReceipt];
        "refused" => [Reach];
        "unanswered" => [Accepted]
    ),
    guest!("not_sent_claim", Usual, "" => [OwnFailure]),
    guest!("failure_after_success", Usual, "not sent", "rate limited", "unavailable" => [OwnFailure, InDoubt]),
    guest!("trap", Usual, "before", "after" => [Crash]),
    guest!("exit", Usual, "0", "1" => [Crash]),
];
