//! The labels of sealed values: what they were made from.
//!
//! Promises: a label on a value is passed on to everything that is made from that value, through every encoding, concatenation,
//! digest and signature. Labels name the *kind* of the content, never the content.
//!
//! Must not know: bytes. The sandbox keeps bytes and labels side by side.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Something that a sealed value was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The secret parameter with this key.
    Secret(Arc<str>),
    /// The one-time code.
    Code,
    /// The recipient's number, in any of its forms.
    Recipient,
    /// The rendered text of the message.
    Text,
    /// A variable of the message with this name, other than the code.
    Variable(Arc<str>),
    /// The end user's IP address.
    ClientIp,
    /// Bytes from a provider's callback.
    Received,
}

impl Label {
    /// The kind of the label, without its name.
    #[must_use]
    pub fn kind(&self) -> LabelKind {
        match self {
            Self::Secret(_) => LabelKind::Secret,
            Self::Code => LabelKind::Code,
            Self::Recipient => LabelKind::Recipient,
            Self::Text => LabelKind::Text,
            Self::Variable(_) => LabelKind::Variable,
            Self::ClientIp => LabelKind::ClientIp,
            Self::Received => LabelKind::Received,
        }
    }
}

/// The kinds of [`Label`], as named in a grant (`"client-ip"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelKind {
    /// A secret parameter.
    Secret,
    /// The one-time code.
    Code,
    /// The recipient's number.
    Recipient,
    /// The rendered text.
    Text,
    /// A variable of the message.
    Variable,
    /// The end user's IP address.
    ClientIp,
    /// Bytes from a provider's callback.
    Received,
}

impl LabelKind {
    /// The name, as written in a grant.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Code => "code",
            Self::Recipient => "recipient",
            Self::Text => "text",
            Self::Variable => "variable",
            Self::ClientIp => "client-ip",
            Self::Received => "received",
        }
    }

    const fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

impl fmt::Display for LabelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The form in which a value contains a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Only in a digest or an HMAC.
    Signed,
    /// In plain text or encoded.
    Plain,
}

/// The labels of a sealed value. Cloning copies a byte and at most two reference counts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The kinds without a name, one bit each.
    kinds: u8,
    /// The secrets by key, each in its most exposed form.
    secrets: Option<Arc<BTreeMap<Arc<str>, Form>>>,
    variables: Option<Arc<BTreeMap<Arc<str>, ()>>>,
}

impl Labels {
    /// No labels: the value consists of literal text only.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The union of two sets. A secret that is plain in either of them is plain in the union.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds | other.kinds,
            secrets: merged(self.secrets.as_ref(), other.secrets.as_ref(), Form::max),
            variables: merged(self.variables.as_ref(), other.variables.as_ref(), |(), ()| ()),
        }
    }

    /// The labels after a digest or an HMAC: the same ones, with every secret marked as signed.
    #[must_use]
    pub fn signed(&self) -> Self {
        let secrets = self.secrets.as_ref().map(|all| {
            if all.values().all(|form| *form == Form::Signed) {
                Arc::clone(all)
            } else {
                Arc::new(all.keys().map(|key| (Arc::clone(key), Form::Signed)).collect())
            }
        });
        Self { kinds: self.kinds, secrets, variables: self.variables.clone() }
    }

    /// Whether the value consists of literal text only.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds == 0 && self.secrets.is_none() && self.variables.is_none()
    }

    /// Whether this label is present.
    #[must_use]
    pub fn contains(&self, label: &Label) -> bool {
        match label {
            Label::Secret(key) => self.secrets.as_ref().is_some_and(|all| all.contains_key(key)),
            Label::Variable(name) => self.variables.as_ref().is_some_and(|all| all.contains_key(name)),
            other => self.has(other.kind()),
        }
    }

    /// Whether any label of this kind is present.
    #[must_use]
    pub fn has(&self, kind: LabelKind) -> bool {
        match kind {
            LabelKind::Secret => self.secrets.is_some(),
            LabelKind::Variable => self.variables.is_some(),
            other => self.kinds & other.bit() != 0,
        }
    }

    /// Whether any part of the message or the recipient is present: code, recipient, text, a variable or the end user's address.
    #[must_use]
    pub fn is_message(&self) -> bool {
        [LabelKind::Code, LabelKind::Recipient, LabelKind::Text, LabelKind::Variable, LabelKind::ClientIp]
            .into_iter()
            .any(|kind| self.has(kind))
    }

    /// The secrets by key, each in its most exposed form.
    pub fn secrets(&self) -> impl Iterator<Item = (&str, Form)> {
        self.secrets.iter().flat_map(|all| all.iter().map(|(key, form)| (&**key, *form)))
    }

    /// Every label, secrets first.
    pub fn iter(&self) -> impl Iterator<Item = Label> + '_ {
        let secrets = self.secrets.iter().flat_map(|all| all.keys().cloned().map(Label::Secret));
        let variables = self.variables.iter().flat_map(|all| all.keys().cloned().map(Label::Variable));
        let plain = [Label::Code, Label::Recipient, Label::Text, Label::ClientIp, Label::Received];
        secrets.chain(plain.into_iter().filter(|label| self.has(label.kind()))).chain(variables)
    }

    /// The kinds that are present, each once.
    pub fn kinds(&self) -> impl Iterator<Item = LabelKind> + '_ {
        [
            LabelKind::Secret,
            LabelKind::Code,
            LabelKind::Recipient,
            LabelKind::Text,
            LabelKind::Variable,
            LabelKind::ClientIp,
            LabelKind::Received,
        ]
        .into_iter()
        .filter(|kind| self.has(*kind))
    }
}

impl From<Label> for Labels {
    fn from(label: Label) -> Self {
        let mut labels = Self::default();
        match label {
            Label::Secret(key) => labels.secrets = Some(Arc::new(BTreeMap::from([(key, Form::Plain)]))),
            Label::Variable(name) => labels.variables = Some(Arc::new(BTreeMap::from([(name, ())]))),
            other => labels.kinds = other.kind().bit(),
        }
        labels
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        labels.into_iter().fold(Self::none(), |all, label| all.union(&label.into()))
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

type Named<V> = Arc<BTreeMap<Arc<str>, V>>;

/// Shares one side's map if the other adds nothing, so that joining literals and a secret does not allocate.
fn merged<V: Copy + PartialEq>(
    left: Option<&Named<V>>,
    right: Option<&Named<V>>,
    stronger: impl Fn(V, V) -> V,
) -> Option<Named<V>> {
    let (left, right) = match (left, right) {
        (None, None) => return None,
        (Some(one), None) | (None, Some(one)) => return Some(Arc::clone(one)),
        (Some(left), Some(right)) => (left, right),
    };
    if Arc::ptr_eq(left, right) {
        return Some(Arc::clone(left));
    }
    let mut all = BTreeMap::clone(left);
    for (key, value) in right.iter() {
        all.entry(Arc::clone(key)).and_modify(|old| *old = stronger(*old, *value)).or_insert(*value);
    }
    Some(Arc::new(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(key: &str) -> Labels {
        Label::Secret(key.into()).into()
    }

    #[test]
    fn a_signature_marks_every_secret_and_keeps_every_label() {
        let value: Labels = [Label::Secret("k".into()), Label::Code, Label::Variable("v".into())].into_iter().collect();
        let signed = value.signed();
        assert_eq!(signed.secrets().collect::<Vec<_>>(), [("k", Form::Signed)]);
        assert_eq!(signed.iter().collect::<Vec<_>>(), value.iter().collect::<Vec<_>>());
    }

    #[test]
    fn plain_wins_over_signed_in_either_order() {
        for joined in [secret("k").union(&secret("k").signed()), secret("k").signed().union(&secret("k"))] {
            assert_eq!(joined.secrets().collect::<Vec<_>>(), [("k", Form::Plain)]);
        }
        let two = secret("a").signed().union(&secret("b"));
        assert_eq!(two.secrets().collect::<Vec<_>>(), [("a", Form::Signed), ("b", Form::Plain)]);
    }

    #[test]
    fn what_belongs_to_the_message() {
        for (label, message) in [
            (Label::Secret("k".into()), false),
            (Label::Received, false),
            (Label::Code, true),
            (Label::Recipient, true),
            (Label::Text, true),
            (Label::Variable("link".into()), true),
            (Label::ClientIp, true),
        ] {
            assert_eq!(Labels::from(label.clone()).is_message(), message, "{label:?}");
        }
        assert!(!Labels::none().is_message() && Labels::none().is_empty());
    }

    #[test]
    fn kinds_are_written_as_the_grant_writes_them() {
        for kind in Labels::from_iter([Label::Secret("k".into()), Label::ClientIp, Label::Received]).kinds() {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    fn any_label() -> impl Strategy<Value = Label> {
        prop_oneof![
            "[a-c]".prop_map(|key| Label::Secret(key.into())),
            "[a-c]".prop_map(|name| Label::Variable(name.into())),
            proptest::sample::select(vec![
                Label::Code,
                Label::Recipient,
                Label::Text,
                Label::ClientIp,
                Label::Received
            ]),
        ]
    }

    proptest! {
        #[test]
        fn a_union_holds_what_either_held_and_nothing_else(
            left in prop::collection::vec(any_label(), 0..6),
            right in prop::collection::vec(any_label(), 0..6),
            probe in any_label(),
        ) {
            let union = left.iter().cloned().collect::<Labels>().union(&right.iter().cloned().collect());
            prop_assert_eq!(union.contains(&probe), left.contains(&probe) || right.contains(&probe));
            let expected: std::collections::BTreeSet<Label> = left.into_iter().chain(right).collect();
            prop_assert_eq!(union.iter().collect::<std::collections::BTreeSet<_>>(), expected);
        }
    }
}
