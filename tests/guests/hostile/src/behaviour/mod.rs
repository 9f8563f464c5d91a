//! One file per behaviour; its first paragraph says what it tries. Each has a row in `tests/src/zoo/guests.rs`, without which the
//! tests do not compile, and in `tests/zoo/README.md`.

use crate::bindings::exports::sendbox::connector::delivery_reports::{Callback, Report, ReportError};
use crate::bindings::sendbox::connector::config;
use crate::bindings::sendbox::connector::types::{Failure, Message, Receipt};

mod ambient;
mod base64_text;
mod beacon_before_message;
mod budget_as_channel;
mod budget_then_beacon;
mod calling_code_and_national;
mod client_ip_elsewhere;
mod clock_around_operations;
mod compressed_body;
mod content_type;
mod costly_host_calls;
mod crlf_in_sealed_header;
mod de_bruijn_answer;
mod decode_digest;
mod decode_literal;
mod decode_number;
mod decode_secret;
mod decode_twice;
mod deep_nesting;
mod deep_recursion;
mod digest_of_number_elsewhere;
mod digest_of_text_in_header;
mod digits_beside_json_number;
mod doubling;
mod duplicate_form_key;
mod duplicate_json_key;
mod echo;
mod echo_in_disguise;
mod echo_of_secret;
mod echo_to_the_same_origin;
mod elsewhere;
mod exit;
mod failure_after_success;
mod field_of_a_framework;
mod forbidden_header;
mod forged_message_id;
mod get_with_body;
mod giant_receipt;
mod giant_request;
mod giant_string;
mod handle_after_drop;
mod header_injection;
mod header_size_in_refusal;
mod header_twice;
mod honest;
mod honest_places;
mod huge_random;
mod json_in_json;
mod json_number_recipient;
mod json_string_of_digest;
mod lenient_json;
mod log_flood;
mod loop_in_send;
mod loop_of_host_calls;
mod many_checks_in_parse;
mod many_fields;
mod many_handles;
mod many_parts;
mod many_pieces;
mod many_requests;
mod memory_as_channel;
mod memory_bomb;
mod message_elsewhere;
mod national_as_e164;
mod not_sent_claim;
mod number_as_attribute;
mod number_as_json_number;
mod number_behind_scheme;
mod number_in_base64;
mod number_in_entities;
mod number_in_escapes;
mod number_in_header;
mod number_in_line_feeds;
mod number_in_other_digits;
mod number_in_pieces;
mod number_in_words;
mod number_split_by_markup;
mod number_with_fillers;
mod number_with_punctuation;
mod oracle;
mod other_method;
mod override_header;
mod parameter_of_another;
mod parameter_pollution;
mod poll_as_clock;
mod poll_list;
mod premium_message;
mod quadratic_slots;
mod random_seeds;
mod range_header;
mod raw_digest_in_header;
mod raw_digest_in_url;
mod receipt_without_request;
mod recipient_in_header;
mod recipient_in_path;
mod recipient_in_query;
mod recipient_in_unused_field;
mod recipient_list;
mod request_after_lost_message;
mod request_after_message;
mod request_in_parse;
mod reveal;
mod revealed_in_clear;
mod sealed_as_name;
mod sealed_in_url;
mod second_message;
mod second_number;
mod secret_elsewhere;
mod secret_in_body;
mod semicolon_in_form;
mod signature_elsewhere;
mod signature_in_send;
mod signing_secret;
mod signing_secret_in_disguise;
mod size_in_refusal;
mod sleep;
mod text_in_comment;
mod text_in_unused_field;
mod text_twice;
mod trap;
mod two_documents;
mod two_texts_in_query;
mod unchecked_in_parse;
mod underscore_header;
mod unencoded_text;
mod url_in_disguise;
mod url_size_in_refusal;
mod variable_without_message;
mod wasi_flood;
mod words_around_text_in_json;
mod words_around_text_in_xml;
mod wrong_parts;
mod xml_doctype;
mod xml_namespace;

/// A behaviour in `send`. It receives the message and the parameter `aim`.
type Send = fn(&Message, &str) -> Result<Receipt, Failure>;
/// A behaviour in `parse`.
type Parse = fn(&Callback, &str) -> Result<Vec<Report>, ReportError>;

/// Declares the modules, and maps each module's name to its function.
macro_rules! behaviours {
    ($function:ident as $kind:ty: $($name:ident,)*) => {
        &[$((stringify!($name), $name::$function as $kind)),*]
    };
}

const IN_SEND: &[(&str, Send)] = behaviours![run as Send:
    ambient,
    base64_text,
    beacon_before_message,
    budget_as_channel,
    budget_then_beacon,
    calling_code_and_national,
    client_ip_elsewhere,
    clock_around_operations,
    compressed_body,
    content_type,
    costly_host_calls,
    crlf_in_sealed_header,
    de_bruijn_answer,
    decode_digest,
    decode_literal,
    decode_number,
    decode_secret,
    decode_twice,
    deep_nesting,
    deep_recursion,
    digest_of_number_elsewhere,
    digest_of_text_in_header,
    digits_beside_json_number,
    doubling,
    duplicate_form_key,
    duplicate_json_key,
    echo,
    echo_in_disguise,
    echo_of_secret,
    echo_to_the_same_origin,
    elsewhere,
    exit,
    failure_after_success,
    field_of_a_framework,
    forbidden_header,
    forged_message_id,
    get_with_body,
    giant_receipt,
    giant_request,
    giant_string,
    handle_after_drop,
    header_injection,
    header_size_in_refusal,
    header_twice,
    honest,
    honest_places,
    huge_random,
    json_in_json,
    json_number_recipient,
    json_string_of_digest,
    lenient_json,
    log_flood,
    loop_in_send,
    loop_of_host_calls,
    many_fields,
    many_handles,
    many_parts,
    many_pieces,
    many_requests,
    memory_as_channel,
    memory_bomb,
    message_elsewhere,
    national_as_e164,
    not_sent_claim,
    number_as_attribute,
    number_as_json_number,
    number_behind_scheme,
    number_in_base64,
    number_in_entities,
    number_in_escapes,
    number_in_header,
    number_in_line_feeds,
    number_in_other_digits,
    number_in_pieces,
    number_in_words,
    number_split_by_markup,
    number_with_fillers,
    number_with_punctuation,
    oracle,
    other_method,
    override_header,
    parameter_of_another,
    parameter_pollution,
    poll_as_clock,
    poll_list,
    premium_message,
    quadratic_slots,
    random_seeds,
    range_header,
    raw_digest_in_header,
    raw_digest_in_url,
    receipt_without_request,
    recipient_in_header,
    recipient_in_path,
    recipient_in_query,
    recipient_in_unused_field,
    recipient_list,
    request_after_lost_message,
    request_after_message,
    reveal,
    revealed_in_clear,
    sealed_as_name,
    sealed_in_url,
    second_message,
    second_number,
    secret_elsewhere,
    secret_in_body,
    semicolon_in_form,
    signature_elsewhere,
    signature_in_send,
    signing_secret,
    signing_secret_in_disguise,
    size_in_refusal,
    sleep,
    text_in_comment,
    text_in_unused_field,
    text_twice,
    trap,
    two_documents,
    two_texts_in_query,
    underscore_header,
    unencoded_text,
    url_in_disguise,
    url_size_in_refusal,
    variable_without_message,
    wasi_flood,
    words_around_text_in_json,
    words_around_text_in_xml,
    wrong_parts,
    xml_doctype,
    xml_namespace,
];

const IN_PARSE: &[(&str, Parse)] = behaviours![parse as Parse:
    many_checks_in_parse,
    request_in_parse,
    unchecked_in_parse,
];

/// Runs the behaviour that the tenant's parameters select.
pub fn run(message: &Message) -> Result<Receipt, Failure> {
    named(IN_SEND)(message, &config::get("aim").unwrap_or_default())
}

/// Runs the behaviour in `parse`, while a callback is read.
pub fn parse(callback: &Callback) -> Result<Vec<Report>, ReportError> {
    named(IN_PARSE)(callback, &config::get("aim").unwrap_or_default())
}

fn named<F: Copy>(all: &[(&str, F)]) -> F {
    let behaviour = config::get("behaviour").unwrap_or_default();
    let found = all.iter().find(|(name, _)| *name == behaviour);
    found.unwrap_or_else(|| panic!("no such behaviour: {behaviour}")).1
}
