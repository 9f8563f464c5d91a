// The derive of `ToSchema` qualifies the names of map keys.
#![allow(unused_qualifications, reason = "written by a derive")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use sendbox_contract::Usage;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A flow of your platform that sends codes. A usage belongs to one flow; `generic` belongs to none and is always enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Flow {
    SignUp,
    SignIn,
    PasswordReset,
    AccountLinking,
    MemberInvitation,
    IdentityCheck,
    Mfa,
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 7] = [
        Self::SignUp,
        Self::SignIn,
        Self::PasswordReset,
        Self::AccountLinking,
        Self::MemberInvitation,
        Self::IdentityCheck,
        Self::Mfa,
    ];

    /// `sign-up`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::SignIn => "sign-in",
            Self::PasswordReset => "password-reset",
            Self::AccountLinking => "account-linking",
            Self::MemberInvitation => "member-invitation",
            Self::IdentityCheck => "identity-check",
            Self::Mfa => "mfa",
        }
    }

    /// The flow of a usage. `generic` belongs to none and is always enabled.
    pub fn of(usage: Usage) -> Option<Self> {
        match usage {
            Usage::Register => Some(Self::SignUp),
            Usage::SignIn => Some(Self::SignIn),
            Usage::ForgotPassword => Some(Self::PasswordReset),
            Usage::BindNewIdentifier => Some(Self::AccountLinking),
            Usage::OrganizationInvitation => Some(Self::MemberInvitation),
            Usage::UserPermissionValidation => Some(Self::IdentityCheck),
            Usage::MfaVerification | Usage::BindMfa => Some(Self::Mfa),
            Usage::Generic => None,
        }
    }
}

/// The flows of a tenant, and whether each is enabled. All are enabled in a new development tenant, and none in a new production
/// tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(example = json!({"sign-up": true, "sign-in": true, "password-reset": false, "account-linking": false, "member-invitation": false, "identity-check": false, "mfa": false}))]
pub struct Flows(pub BTreeMap<Flow, bool>);

impl Flows {
    /// Whether a flow is enabled. A flow that is not listed is disabled.
    pub fn is_on(&self, flow: Flow) -> bool {
        self.0.get(&flow).copied().unwrap_or(false)
    }

    /// The same settings with every flow listed.
    #[must_use]
    pub fn complete(&self) -> Self {
        Self(Flow::ALL.into_iter().map(|flow| (flow, self.is_on(flow))).collect())
    }

    /// The enabled flows.
    pub fn enabled(&self) -> Vec<Flow> {
        Flow::ALL.into_iter().filter(|flow| self.is_on(*flow)).collect()
    }
}

/// The schema of [`Usage`].
pub struct UsageName;

impl PartialSchema for UsageName {
    fn schema() -> RefOr<Schema> {
        let names = Usage::ALL.map(|usage| serde_json::to_value(usage).unwrap_or_default());
        let described = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        described.description(Some("The purpose of a code. It selects the template and the flow.")).build().into()
    }
}

impl ToSchema for UsageName {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Usage")
    }
}
