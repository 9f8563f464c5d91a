//! The scrubber of one call, built from all that is sealed in it when the first text needs it.

use std::sync::{Arc, OnceLock};

use sendbox_contract::text::one_line;
use sendbox_contract::{Content, Message};
use sendbox_policy::{Label, Labels};

use crate::egress::scrub::Scrubber;
use crate::parameters::Parameters;
use crate::sealed::Bytes;

/// Masks what is sealed in a call. It holds the parameters and the message, and shows neither: it only takes them out of texts.
pub(crate) struct LazyScrubber {
    parameters: Arc<Parameters>,
    message: Option<Arc<Message>>,
    /// Built when it is first needed: before an answer, most guests know nothing that must be scrubbed.
    built: OnceLock<Scrubber>,
    /// Sealed parts as they were sent, which an answer may repeat, and what is in each.
    sent: Vec<(Bytes, Labels)>,
    /// Whether the guest may have learned something sealed: from an answer, or by a grant to read it.
    learned: bool,
    /// Whether the guest was handed a sealed value in clear.
    revealed: bool,
    /// Bytes of a text in a receipt, a failure or a report.
    text_limit: usize,
}

impl LazyScrubber {
    pub(crate) fn new(parameters: Arc<Parameters>, message: Option<Arc<Message>>, text_limit: usize) -> Self {
        let learned = parameters.hides();
        Self { parameters, message, built: OnceLock::new(), sent: Vec::new(), learned, revealed: false, text_limit }
    }

    /// From now on the guest may write down something sealed that an answer, or a callback, told it.
    pub(crate) fn guest_learned(&mut self) {
        self.learned = true;
    }

    /// From now on the guest may write down a sealed value that it was handed in clear.
    pub(crate) fn guest_was_shown(&mut self) {
        self.learned = true;
        self.revealed = true;
    }

    /// Remembers a sealed part that leaves: an answer may repeat it in the form in which it was sent.
    pub(crate) fn remember_sent(&mut self, value: Bytes, labels: &Labels) {
        match self.built.get_mut() {
            Some(scrubber) => scrubber.add_exact(&value, labels),
            None => self.sent.push((value, labels.clone())),
        }
    }

    /// Text that a guest or a provider wrote, without anything sealed.
    pub(crate) fn for_people(&self, text: &str) -> String {
        if self.learned { self.scrubber().for_people(text) } else { text.to_owned() }
    }

    /// The same for a text that need not be copied where nothing is to be masked.
    pub(crate) fn for_people_owned(&self, text: String) -> String {
        if self.learned { self.scrubber().for_people(&text) } else { text }
    }

    /// Text that a guest or a provider wrote, fit for an error or a receipt: scrubbed, on one line, and cut.
    pub(crate) fn clean(&self, text: &str) -> String {
        // Cut before scrubbing would let half a secret through, so the order is scrub, then cut. The input is bounded by
        // the host call fuel.
        one_line(&self.for_people(text), self.text_limit)
    }

    /// An answer for the guest: without what went with `sent` to the origin that answers.
    pub(crate) fn for_guest(&self, answer: &[u8], sent: &Labels) -> Vec<u8> {
        self.scrubber().for_guest(answer, sent)
    }

    /// Bytes of an answer without anything sealed, for people.
    pub(crate) fn bytes_for_people(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrubber().bytes_for_people(bytes)
    }

    /// A provider's id of a message, as the provider wrote it: what was masked in it for the guest is put back, unless it is
    /// itself what was sealed. `answers` are those of the origin to which `sent` went.
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

/// Everything that is sealed in a call.
fn scrubber(parameters: &Parameters, message: Option<&Message>) -> Scrubber {
    let mut scrubber = Scrubber::default();
    scrubber.add_made(parameters.needles());
    let Some(message) = message else { return scrubber };
    scrubber.add(message.code.as_bytes(), &Label::Code);
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
