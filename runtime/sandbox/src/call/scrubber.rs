//! The scrubber of a call, built from all its sealed values when the first text needs it.

use std::sync::{Arc, OnceLock};

use sendbox_contract::text::one_line;
use sendbox_contract::{Content, Message};
use sendbox_policy::{Label, Labels};

use crate::egress::scrub::Scrubber;
use crate::parameters::Parameters;
use crate::sealed::Bytes;

/// Masks the sealed values of a call. It holds the parameters and the message, and exposes neither: it only removes them from
/// texts.
pub(crate) struct LazyScrubber {
    parameters: Arc<Parameters>,
    message: Option<Arc<Message>>,
    /// Built on first use: most guests know nothing that must be scrubbed before there is a response.
    built: OnceLock<Scrubber>,
    /// Sealed parts as they were sent, which a response may repeat, and their labels.
    sent: Vec<(Bytes, Labels)>,
    /// Whether the guest may have learned something sealed, from a response or by a grant.
    learned: bool,
    /// Whether the guest got a sealed value in plain text.
    revealed: bool,
    /// Maximum size of a text in a receipt, a failure or a report, in bytes.
    text_limit: usize,
}

impl LazyScrubber {
    pub(crate) fn new(parameters: Arc<Parameters>, message: Option<Arc<Message>>, text_limit: usize) -> Self {
        let learned = parameters.hides();
        Self { parameters, message, built: OnceLock::new(), sent: Vec::new(), learned, revealed: false, text_limit }
    }

    /// From now on, the guest may write something sealed that it learned from a response or a callback.
    pub(crate) fn guest_learned(&mut self) {
        self.learned = true;
    }

    /// From now on, the guest may write a sealed value that it got in plain text.
    pub(crate) fn guest_was_shown(&mut self) {
        self.learned = true;
        self.revealed = true;
    }

    /// Remembers a sealed part that is sent: a response may repeat it in the form in which it was sent.
    pub(crate) fn remember_sent(&mut self, value: Bytes, labels: &Labels) {
        match self.built.get_mut() {
            Some(scrubber) => scrubber.add_exact(&value, labels),
            None => self.sent.push((value, labels.clone())),
        }
    }

    /// Text from a guest or a provider, without anything sealed.
    pub(crate) fn for_people(&self, text: &str) -> String {
        if self.learned { self.scrubber().for_people(text) } else { text.to_owned() }
    }

    /// The same for an owned text, which is not copied if there is nothing to mask.
    pub(crate) fn for_people_owned(&self, text: String) -> String {
        if self.learned { self.scrubber().for_people(&text) } else { text }
    }

    /// Text from a guest or a provider for an error or a receipt: scrubbed, on one line, and truncated.
    pub(crate) fn clean(&self, text: &str) -> String {
        // Truncating before scrubbing could let half a secret through, so the order is scrub, then truncate. The input is bounded
        // by the host call fuel.
        one_line(&self.for_people(text), self.text_limit)
    }

    /// A response for the guest, without the values that were sent with the labels `sent` to the origin that responds.
    pub(crate) fn for_guest(&self, answer: &[u8], sent: &Labels) -> Vec<u8> {
        self.scrubber().for_guest(answer, sent)
    }

    /// The bytes of a response without anything sealed, for display.
    pub(crate) fn bytes_for_people(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrubber().bytes_for_people(bytes)
    }

    /// The provider's id of a message, as the provider wrote it: what was masked in it for the guest is restored, unless it is
    /// itself sealed. `answers` are those of the origin that got `sent`.
    pub(crate) fn message_id<'b>(
        &self,
        seen: &str,
        answers: impl IntoIterator<Item = &'b [u8]>,
        sent: Option<&Labels>,
    ) -> String {
        if !self.learned {
            return one_line(seen, self.text_limit);
        }
        let original =
            sent.and_then(|sent| answers.into_iter().find_map(|answer| self.scrubber().original(answer, seen, sent)));
        let id = match original {
            Some(original) => original,
            None if self.revealed => self.scrubber().for_people(seen),
            None => self.scrubber().words(seen),
        };
        one_line(&id, self.text_limit)
    }

    fn scrubber(&self) -> &Scrubber {
        self.built.get_or_init(|| {
            let mut scrubber = scrubber(&self.parameters, self.message.as_deref());
            self.sent.iter().for_each(|(value, labels)| scrubber.add_exact(value, labels));
            scrubber
        })
    }
}

/// All sealed values of a call.
fn scrubber(parameters: &Parameters, message: Option<&Message>) -> Scrubber {
    let mut scrubber = Scrubber::default();
    scrubber.add_made(parameters.needles());
    let Some(message) = message else { return scrubber };
    if let Some(code) = &message.code {
        scrubber.add(code.as_bytes(), &Label::Code);
    }
    scrubber.add_number(message.recipient.digits());
    scrubber.add_number(&message.recipient.national);
    match &message.content {
        Content::Text { text, .. } => scrubber.add(text.as_bytes(), &Label::Text),
        Content::Template { variables, .. } | Content::Variables(variables) => {
            for variable in variables {
                scrubber.add(variable.value.as_bytes(), &variable.label());
            }
        }
    }
    if let Some(address) = &message.client_ip {
        scrubber.add(address.as_bytes(), &Label::ClientIp);
    }
    scrubber
}
