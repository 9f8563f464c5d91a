//! The table: the setting of every hostile guest, and how each of its aims ends.

use super::Ending::*;
use super::{Guest, Setting};
use crate::guests::Behaviour;

/// All guests, with their rows.
pub fn all() -> [Guest; Behaviour::ALL.len()] {
    Behaviour::ALL.map(row)
}

/// The row of a guest. The match is exhaustive: a guest without a row does not compile.
fn row(behaviour: Behaviour) -> Guest {
    /// `row!(Setting, "aim", "aim" => [Ending]; "aim" => [Ending, Other])`
    macro_rules! row {
        ($setting:ident, $($($aim:literal),+ => $endings:tt);+) => {
            Guest { behaviour, setting: Setting::$setting, aims: &[$($(($aim, &$endings)),+),+] }
        };
    }
    match behaviour {
        // Honest or harmless guests: without them, a sandbox that refuses everything would pass.
        Behaviour::Honest => row!(Usual, "" => [Accepted]),
        Behaviour::Ambient => row!(Usual, "" => [OwnFailure]),
        Behaviour::ParameterOfAnother => row!(Usual, "" => [OwnFailure]),
        Behaviour::HonestPlaces => row!(Variables, "json", "list", "xml", "query" => [Accepted]),
        Behaviour::JsonNumberRecipient => row!(Usual, "" => [Accepted]),
        Behaviour::SigningSecret => row!(Usual, "plain" => [Secret]; "signature" => [Accepted]),
        // Refusals and remaining budgets as side channels.
        Behaviour::SizeInRefusal => row!(Usual, "secret", "digest" => [Size]; "number" => [Recipient]),
        Behaviour::HeaderSizeInRefusal => row!(Usual, "200", "2000" => [Size]),
        Behaviour::UrlSizeInRefusal => row!(Usual, "" => [Size]),
        Behaviour::BudgetAsChannel => row!(Usual, "" => [SealedBytes]),
        Behaviour::BudgetThenBeacon => row!(Usual, "" => [OwnFailure, SealedBytes]),
        Behaviour::MemoryAsChannel => row!(Echo, "" => [Accepted]),
        Behaviour::ClockAroundOperations => row!(Usual, "" => [OwnFailure]),
        Behaviour::PollAsClock => row!(Usual, "" => [OwnFailure]),
        Behaviour::RandomSeeds => row!(Usual, "" => [OwnFailure]),
        Behaviour::DeBruijnAnswer => row!(Codes, "" => [OwnFailure]),
        Behaviour::Echo => row!(Echo, "failure" => [OwnFailure]; "log", "receipt" => [Accepted]; "trap" => [Crash]),
        Behaviour::EchoOfSecret => row!(Echo, "" => [OtherOrigin]),
        Behaviour::EchoToTheSameOrigin => row!(Echo, "" => [OwnFailure]),
        Behaviour::EchoInDisguise => row!(Echo, "hex", "spread", "reversed" => [Accepted]),
        Behaviour::ForgedMessageId => row!(
            Echo,
            "mask", "zero", "whole answer", "masks in a row", "mask with a neighbour" => [Accepted]
        ),
        Behaviour::LogFlood => row!(Usual, "log", "stderr", "stdout" => [Accepted]),
        Behaviour::GiantReceipt => row!(Usual, "" => [Accepted, HostCallSize]),
        // Reading, comparing and decoding sealed values.
        Behaviour::Oracle => row!(
            Usual,
            "secret", "encoded secret", "secret beside its signature", "content", "digest of content", "signed content",
            "content as a key", "recipient", "signature" => [NotHere];
            "decode content", "decode recipient", "decode encoded content", "decode joined" => [NotDecodable]
        ),
        Behaviour::SignatureInSend => row!(Usual, "matches", "jwt" => [NotHere]),
        Behaviour::ManyChecksInParse => row!(Callback, "" => [TooManyChecks]),
        Behaviour::UncheckedInParse => row!(
            Callback,
            "the secret itself", "a literal as received", "received and a literal", "no secret", "one secret with another",
            "a digest as received", "a part of the token", "a key of its own" => [NotCheckable]
        ),
        Behaviour::RequestInParse => row!(Callback, "" => [NotHere]),
        Behaviour::JsonStringOfDigest => row!(Usual, "placed" => [Void]; "not placed" => [Accepted]),
        Behaviour::RawDigestInHeader => row!(Usual, "" => [Header, Structure, Unreadable]),
        Behaviour::RawDigestInUrl => row!(Usual, "" => [Url]),
        Behaviour::DecodeSecret => row!(Usual, "placed" => [Void]; "not placed" => [Accepted]),
        Behaviour::DecodeDigest => row!(Usual, "" => [NotDecodable]),
        Behaviour::DecodeNumber => row!(Usual, "" => [NotDecodable]),
        Behaviour::DecodeLiteral => row!(Usual, "" => [NotDecodable]),
        Behaviour::DecodeTwice => row!(Usual, "" => [NotDecodable]),
        Behaviour::Reveal => row!(
            Usual,
            "secret", "encoded secret", "joined", "content", "recipient" => [Reveal];
            "literal" => [OwnFailure]
        ),
        Behaviour::RevealedInClear => row!(
            Usual,
            "to the log", "to a body", "to a path", "to a header", "to a header name", "to a host", "to the failure",
            "to a crash" => [Reveal]
        ),
        // A second number.
        Behaviour::SecondNumber => row!(
            Usual,
            "form", "spaced", "percent", "query", "path", "header", "json number", "json string", "escaped", "other digits",
            "without the message" => [SecondNumber];
            "header name" => [SecondNumber, Header]
        ),
        Behaviour::PremiumMessage => row!(Usual, "" => [SecondNumber]),
        Behaviour::NumberWithFillers => row!(
            Usual,
            "blanks", "tabs", "no-break spaces", "invisible", "variation selectors", "combining marks", "soft hyphens",
            "line feeds" => [SecondNumber, Unreadable]
        ),
        Behaviour::NumberWithPunctuation => row!(
            Usual,
            "~", "/", "[", "]", ",", "_", ".", "-", ")(", "*", "#", "|", ":", ";", "+", "—", "‐", "·", "'", "x" => [SecondNumber]
        ),
        Behaviour::NumberInOtherDigits => row!(
            Usual,
            "full width", "arabic", "devanagari", "mathematical", "superscript", "circled" => [SecondNumber]
        ),
        Behaviour::NumberAsJsonNumber => row!(
            Usual,
            "exponent", "upper exponent", "negative exponent", "fraction", "negative" => [SecondNumber]
        ),
        Behaviour::NumberInEscapes => row!(
            Usual,
            "json", "json in part", "percent", "percent in a name", "twice percent" => [SecondNumber]
        ),
        Behaviour::NumberInEntities => {
            row!(Variables, "decimal", "hexadecimal", "padded" => [SecondNumber, Unreadable])
        }
        Behaviour::NumberSplitByMarkup => row!(
            Pinned,
            "comment", "cdata", "instruction", "attribute" => [SecondNumber, Unreadable];
            "elements" => [SecondNumber, Unreadable, Shape]
        ),
        Behaviour::NumberBehindScheme => row!(Usual, "" => [Url]),
        Behaviour::NumberInLineFeeds => row!(Usual, "%0A", "\n", "%0D%0A", "%E2%80%A8" => [SecondNumber, Unreadable]),
        Behaviour::NumberInHeader => {
            row!(Usual, "one", "spaced", "user agent" => [SecondNumber]; "name" => [SecondNumber, Header])
        }
        Behaviour::NumberInPieces => row!(Pinned, "" => [SecondNumber, Shape]),
        Behaviour::NumberInBase64 => row!(Pinned, "" => [Shape]),
        Behaviour::NumberInWords => row!(Pinned, "" => [Shape]),
        // A number, text or IP address outside its place, or not alone in it.
        Behaviour::WrongParts => row!(
            Usual,
            "no recipient" => [Recipient, SecondNumber];
            "recipient twice", "digits before", "digits after", "other country", "list" => [Recipient];
            "no message" => [Content];
            "message twice", "words before", "words after" => [Content];
            "in a key" => [Content, SealedName];
            "repeated key" => [Recipient, NameAgain]
        ),
        Behaviour::RecipientInHeader => row!(Usual, "" => [Recipient]),
        Behaviour::RecipientInUnusedField => {
            row!(Usual, "beside", "instead" => [Recipient]; "lower case" => [Recipient, NameAgain])
        }
        Behaviour::RecipientInQuery => row!(Usual, "" => [Recipient]),
        Behaviour::RecipientInPath => row!(Usual, "" => [Recipient]),
        Behaviour::RecipientList => row!(Usual, "second", "first", "empty", "null" => [Recipient]),
        Behaviour::CallingCodeAndNational => row!(Variables, "form", "xml" => [Recipient]),
        Behaviour::NationalAsE164 => row!(Usual, "national", "digits" => [Recipient]),
        Behaviour::DigitsBesideJsonNumber => row!(Usual, "after", "before", "exponent" => [Recipient, Unreadable]),
        Behaviour::TextInUnusedField => row!(Usual, "" => [Content]),
        Behaviour::WordsAroundTextInJson => row!(Usual, "before", "after", "list" => [Content]),
        Behaviour::WordsAroundTextInXml => row!(
            Variables,
            "comment", "cdata", "entity", "inside cdata", "element" => [Content, Unreadable]
        ),
        Behaviour::TextInComment => row!(Variables, "" => [Recipient, SealedName, Unreadable]),
        Behaviour::JsonInJson => row!(Usual, "" => [Content]),
        Behaviour::Base64Text => row!(Usual, "" => [Content, Structure]),
        Behaviour::UnencodedText => row!(Usual, "" => [Structure]),
        Behaviour::TextTwice => row!(Usual, "" => [Content]),
        Behaviour::VariableWithoutMessage => row!(Variables, "" => [Recipient, Content]),
        Behaviour::ClientIpElsewhere => {
            row!(Usual, "header", "field" => [ClientIp]; "side host" => [MessageElsewhere, Content])
        }
        Behaviour::SecretInBody => {
            row!(Usual, "in the text" => [Content]; "instead of the text" => [Content]; "instead of the number" => [Recipient])
        }
        Behaviour::SealedAsName => row!(
            Variables,
            "json key", "element", "query name", "content type" => [SealedName, Recipient, Content, ContentType, Unreadable];
            "path prefix" => [Reach, Recipient, SealedName]
        ),
        // Requests that the host and the provider could interpret differently.
        Behaviour::DuplicateJsonKey => {
            row!(Usual, "same", "escaped", "other case" => [NameAgain, Recipient, Unreadable])
        }
        Behaviour::DuplicateFormKey => row!(
            Usual,
            "To", "to", "TO", "%54o", "+To", "To+", "To%00", "To[]", "To[0]" => [NameAgain, Recipient, Unreadable]
        ),
        Behaviour::FieldOfAFramework => {
            row!(Pinned, "To.0", "To.number", "To:1", "To-2", "$To", "_To" => [NameAgain, Shape])
        }
        Behaviour::ParameterPollution => row!(Usual, "To", "to", "Body", "body" => [NameAgain]),
        Behaviour::SemicolonInForm => row!(Usual, "" => [Recipient]),
        Behaviour::ContentType => row!(
            Usual,
            "none", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=utf-16",
            "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; boundary=x",
            "application/x-www-form-urlencoded, application/json", "application/octet-stream" => [ContentType];
            "application/json", "text/xml" => [Unreadable]
        ),
        Behaviour::HeaderTwice => {
            row!(Usual, "content type" => [Header, ContentType]; "authorization", "own" => [Header])
        }
        Behaviour::CompressedBody => row!(Usual, "gzip", "identity", "br", "deflate" => [Header]),
        Behaviour::OverrideHeader => row!(
            Usual,
            "x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url",
            "x-forwarded-for", "x-forwarded-host", "x-real-ip", "true-client-ip", "x-original-host", "x-host",
            "cf-connecting-ip" => [Header]
        ),
        Behaviour::RangeHeader => row!(Usual, "" => [Header]),
        Behaviour::UnderscoreHeader => {
            row!(Usual, "content_length", "x_forwarded_for", "transfer_encoding", "x-a_b" => [Header])
        }
        Behaviour::HeaderInjection => row!(
            Usual,
            "name", "space in name", "colon in name", "value", "sealed value", "joined value", "nul" => [Header]
        ),
        Behaviour::ForbiddenHeader => row!(
            Usual,
            "Host", "content-length", "Transfer-Encoding", "Connection", "X-Forwarded-For", "Forwarded", "Cookie", "TE",
            "Trailer", "Expect", "Upgrade", "Via", "Proxy-Authorization", "Accept-Encoding", "if-none-match" => [Header];
            "too many", "too long" => [Size]
        ),
        Behaviour::CrlfInSealedHeader => row!(Usual, "" => [Header]),
        Behaviour::TwoDocuments => row!(Variables, "json", "json lines", "xml" => [Unreadable]),
        Behaviour::TwoTextsInQuery => row!(
            Pinned,
            "question mark" => [NameAgain, Content, Recipient, Unreadable];
            "semicolon" => [NameAgain, Unreadable];
            "matrix" => [Reach, Unreadable, Shape];
            "body too" => [NameAgain]
        ),
        Behaviour::GetWithBody => row!(Variables, "" => [NameAgain, Unreadable, ContentType]),
        Behaviour::NumberAsAttribute => {
            row!(Pinned, "to", "text", "root" => [Recipient, Content, NameAgain, Unreadable, Shape])
        }
        Behaviour::LenientJson => row!(
            Usual,
            "comment", "trailing comma", "single quotes", "byte order mark", "bare key" => [Unreadable]
        ),
        Behaviour::XmlDoctype => row!(Variables, "" => [Unreadable]),
        Behaviour::XmlNamespace => row!(Variables, "" => [Unreadable, NameAgain]),
        Behaviour::DeepNesting => row!(Variables, "json", "xml" => [Unreadable]),
        // Targets of requests, and what is sent there.
        Behaviour::Elsewhere => row!(
            Usual,
            "https://elsewhere.hostile.test/v1/messages", "https://hostile.test/v1/messages",
            "https://api.hostile.test:8443/v1/messages", "https://api.hostile.test/v2/messages",
            "https://api.hostile.test/v12", "https://127.0.0.1/v1/messages", "https://0x7f.1/v1/messages",
            "https://169.254.169.254/latest/meta-data", "https://[::1]/v1/messages" => [Reach];
            "http://api.hostile.test/v1/messages" => [Reach, Url]
        ),
        Behaviour::UrlInDisguise => row!(
            Usual,
            "https://user:word@api.hostile.test/v1/messages", "https://api.hostile.test@elsewhere.hostile.test/v1",
            "https://api.hostile.test/v1/messages#part", "https://api.hostile.test\\@elsewhere.hostile.test/v1",
            "https:/api.hostile.test/v1/messages", "https:api.hostile.test/v1/messages", "HTTPS://api.hostile.test/v1/messages",
            "//api.hostile.test/v1/messages", " https://api.hostile.test/v1/messages", "https://api.hostile.test/v1/a b",
            "https://api.hostile.test/v1/mess\tages" => [Url];
            "https://api.hostile.test/v1/../v2", "https://api.hostile.test/v1/%2e%2e/v2", "https://api.hostile.test/v1/..;/v2",
            "https://api.hostile.test/v1/%252e%252e/v2", "https://api.hostile.test//v1/messages",
            "https://api.hostile.test/v1%2f..%2fv2" => [Reach, Url, Unreadable]
        ),
        Behaviour::SealedInUrl => row!(
            Usual,
            "host", "host end", "port", "user", "scheme", "raw", "fragment" => [Url]
        ),
        Behaviour::OtherMethod => row!(Usual, "GET", "PUT", "PATCH", "DELETE" => [Reach]),
        Behaviour::MessageElsewhere => row!(Usual, "whole", "recipient", "text", "digest" => [MessageElsewhere]),
        Behaviour::DigestOfNumberElsewhere => row!(Usual, "digest", "code", "own key" => [MessageElsewhere]),
        Behaviour::SecretElsewhere => row!(
            Usual,
            "raw", "header", "base64", "hex", "url", "twice", "joined", "digest", "key" => [Secret]
        ),
        Behaviour::SignatureElsewhere => row!(Usual, "" => [Secret]),
        Behaviour::SigningSecretInDisguise => row!(Usual, "hex", "joined", "with its signature" => [Secret]),
        Behaviour::DigestOfTextInHeader => row!(Usual, "" => [Accepted]),
        // The order of requests.
        Behaviour::SecondMessage => row!(Usual, "tell of the first", "tell of the second" => [AfterMessage]),
        Behaviour::RequestAfterMessage => row!(
            Usual,
            "same host", "the message", "side host", "other places" => [AfterMessage]
        ),
        Behaviour::RequestAfterLostMessage => row!(Silent, "" => [AfterMessage]),
        Behaviour::BeaconBeforeMessage => row!(Usual, "" => [Accepted]),
        Behaviour::ManyRequests => row!(Usual, "" => [TooManyRequests]),
        Behaviour::Sleep => row!(Usual, "before", "after" => [Accepted]),
        // CPU, memory, calls, handles, sizes.
        Behaviour::LoopInSend => row!(Usual, "" => [Cpu]),
        Behaviour::LoopOfHostCalls => row!(Usual, "concat", "config", "log" => [HostCalls, Cpu]),
        Behaviour::CostlyHostCalls => row!(
            Usual,
            "digest", "hmac data", "hmac key", "decode" => [SealedBytes];
            "matches" => [NotHere]
        ),
        Behaviour::MemoryBomb => row!(Usual, "" => [Memory]),
        Behaviour::DeepRecursion => row!(Usual, "" => [Stack]),
        Behaviour::Doubling => {
            row!(Usual, "text" => [SealedPieces]; "encoded" => [SealedBytes]; "empty" => [HostCalls, Cpu])
        }
        Behaviour::GiantString => row!(Usual, "log", "config", "receipt" => [HostCallSize]),
        Behaviour::GiantRequest => row!(Usual, "body", "url", "handles" => [Size]),
        Behaviour::ManyParts => row!(Usual, "flat", "nested" => [HostCallSize]),
        Behaviour::ManyPieces => row!(Usual, "" => [SealedPieces]),
        Behaviour::QuadraticSlots => {
            row!(Usual, "2000" => [Accepted, Structure, SealedPieces, Size]; "60000" => [HostCallSize, Structure, Size])
        }
        Behaviour::ManyFields => row!(Usual, "" => [Accepted, Unreadable]),
        Behaviour::ManyHandles => row!(Usual, "" => [Handles]),
        Behaviour::HandleAfterDrop => row!(Usual, "dropped", "never given", "of another kind" => [Crash]),
        Behaviour::PollList => row!(Usual, "" => [HostCallSize, OwnFailure]),
        Behaviour::HugeRandom => row!(Usual, "secure", "insecure" => [Crash]),
        Behaviour::WasiFlood => row!(Usual, "pollables" => [Handles]; "random", "clock" => [Cpu, HostCalls]),
        // False results.
        Behaviour::ReceiptWithoutRequest => row!(
            Usual,
            "nothing", "another request" => [FalseReceipt];
            "refused" => [Reach];
            "unanswered" => [Accepted]
        ),
        Behaviour::NotSentClaim => row!(Usual, "" => [OwnFailure]),
        Behaviour::FailureAfterSuccess => {
            row!(Usual, "not sent", "rate limited", "unavailable" => [OwnFailure, InDoubt])
        }
        Behaviour::Trap => row!(Usual, "before", "after" => [Crash]),
        Behaviour::Exit => row!(Usual, "0", "1" => [Crash]),
    }
}
