//! Kinds of numbers, by their country's plan.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType};
use sendbox_contract::Recipient;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of number that a policy allows or refuses. Mobile numbers, and numbers of which the plan does not tell the kind, are always
/// allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NumberKind {
    /// A landline.
    Landline,
    /// A number whose owner earns from each call or message.
    PremiumRate,
    /// A number whose costs are shared between both sides.
    SharedCost,
    /// A personal number that leads to another one, at a price of its own (070 in the United Kingdom).
    Personal,
    /// A pager.
    Pager,
}

impl NumberKind {
    /// `premium-rate`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Landline => "landline",
            Self::PremiumRate => "premium-rate",
            Self::SharedCost => "shared-cost",
            Self::Personal => "personal",
            Self::Pager => "pager",
        }
    }
}

/// The range of the numbers with which Twilio's users test, such as +1 500 555 0006. By the plan they are personal numbers; nobody has
/// them.
const TEST_RANGE_OF_TWILIO: &str = "+15005550";

/// The kind of a number, if a policy may refuse it.
pub fn kind(recipient: &Recipient) -> Option<NumberKind> {
    if recipient.e164.as_str().starts_with(TEST_RANGE_OF_TWILIO) {
        return None;
    }
    let number = PHONE_NUMBER_UTIL.parse(recipient.e164.as_str(), None).ok()?;
    match number.get_type() {
        PhoneNumberType::FixedLine => Some(NumberKind::Landline),
        PhoneNumberType::PremiumRate => Some(NumberKind::PremiumRate),
        PhoneNumberType::SharedCost => Some(NumberKind::SharedCost),
        PhoneNumberType::PersonalNumber => Some(NumberKind::Personal),
        PhoneNumberType::Pager => Some(NumberKind::Pager),
        PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::TollFree
        | PhoneNumberType::VoIP
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phone::recipient;

    #[test]
    fn the_plan_tells_the_kind() {
        for (text, wanted) in [
            ("+44 7400 123456", None),
            ("+44 20 7946 0018", Some(NumberKind::Landline)),
            ("+44 909 879 0000", Some(NumberKind::PremiumRate)),
            ("+44 845 748 4954", Some(NumberKind::PremiumRate)),
            ("+44 70 1234 5678", Some(NumberKind::Personal)),
            ("+44 76 4012 3456", Some(NumberKind::Pager)),
            ("+1 900 234 5678", Some(NumberKind::PremiumRate)),
            ("+1 415 555 0100", None),
            ("+1 624 222 4624", None),
            ("+1 500 555 0006", None),
            ("+1 500 222 3344", Some(NumberKind::Personal)),
            ("+45 12 34 56 78", None),
            ("+49 30 123456", Some(NumberKind::Landline)),
            ("+49 900 1 123456", Some(NumberKind::PremiumRate)),
            ("+49 180 2 123456", Some(NumberKind::SharedCost)),
        ] {
            let number = recipient(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(kind(&number), wanted, "{text}");
        }
    }
}
