//! `sendbox connector`: manages connector versions on a running service: upload, compare, canary, activate, roll back.
//!
//! A client of the REST API and nothing else. The server decides what a version may do and what needs an approval.

mod client;
mod digest;
pub mod labels;
mod push;
mod shapes;

use std::fmt::Write as _;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use sendbox_domain::model::{ConnectorVersion, Reach};
use serde_json::json;

use self::client::{ApiResponse, ConnectorClient};
use self::digest::DigestPrefix;
use self::push::PushArgs;
use crate::exit::{CliError, Exit};
use crate::inspect;
use crate::remote::{self, Advice, RemoteArgs};
use crate::render;

/// What to do after errors of the server.
const ADVICE: Advice = Advice {
    not_found: "list connectors with `sendbox connector list` and their digests with `versions ID`; pass --tenant for a tenant's own",
    conflict: "check `sendbox connector status ID`, and decide again",
    in_doubt: "check `sendbox connector status ID` before you run the command again",
};

/// Manage connector versions on a running service: upload, compare, canary, activate, roll back.
///
/// A version is named by the digest of its file, which may be shortened to any prefix that is unique for the connector.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  export SENDBOX_SERVER=https://sendbox.example.com SENDBOX_KEY=…
  sendbox connector push acme.wasm
  sendbox connector show acme-sms 3f9a1c
  sendbox connector approve acme-sms 3f9a1c
  sendbox connector canary acme-sms 3f9a1c 10
  sendbox connector status acme-sms
  sendbox connector activate acme-sms 3f9a1c
  sendbox connector rollback acme-sms --reason 'slow in Norway'

Exit codes:
  0  success
  2  the command line, a file, the key, an id or a digest is invalid; nothing was changed
  3  refused by a rule of the service, or an approval is needed first
  5  in doubt: the response was lost, and the change may have been made
  6  the server could not be reached; nothing was changed
  7  the server or this machine failed"
)]
pub struct ConnectorArgs {
    #[command(subcommand)]
    action: Action,

    /// The tenant that owns the connectors [default: connectors of all tenants, which need the platform key].
    #[arg(long, global = true, value_name = "ID", value_parser = id, help_heading = "Server")]
    tenant: Option<String>,

    /// Print one JSON object or array on stdout and nothing else, including errors.
    #[arg(long, global = true)]
    pub json: bool,

    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Upload a version, follow its check, and show how it differs from the active version.
    ///
    /// The first version of a connector becomes active at once. Later versions do not send until you start a canary or activate
    /// them. A version that may do more needs an approval: pass --approve, or answer on the terminal. Otherwise the command
    /// exits with 3.
    #[command(after_help = "\
Examples:
  sendbox connector push acme.wasm
  sendbox connector push acme.wasm --tenant acme --activate
  sendbox connector push acme.wasm --approve --canary 10 --json")]
    Push(PushArgs),

    /// List the connectors, built in and uploaded.
    #[command(after_help = "Example:\n  sendbox connector list --tenant acme")]
    List,

    /// List the versions of a connector, newest first.
    #[command(after_help = "Example:\n  sendbox connector versions acme-sms")]
    Versions {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
    },

    /// Show what a version may do and needs, and how it differs from the active version.
    #[command(after_help = "Example:\n  sendbox connector show acme-sms 3f9a1c")]
    Show {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
    },

    /// Approve what a version may do beyond the active version, and its changed presentation.
    ///
    /// Approves the current difference and prints it. With --confirm, approves the difference that `show` printed before, and
    /// fails if it has changed since.
    #[command(after_help = "\
Examples:
  sendbox connector approve acme-sms 3f9a1c
  sendbox connector approve acme-sms 3f9a1c --confirm 5e1f…   (`show` prints it)")]
    Approve {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
        /// The fingerprint of the difference to approve.
        #[arg(long, value_name = "FINGERPRINT")]
        confirm: Option<String>,
    },

    /// Send a percentage of the messages with a version, change the percentage, or end the canary.
    #[command(after_help = "\
Examples:
  sendbox connector canary acme-sms 3f9a1c 10
  sendbox connector canary acme-sms --end")]
    Canary {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        #[arg(required_unless_present = "end")]
        digest: Option<DigestPrefix>,
        /// The percentage of messages, 1 to 99.
        #[arg(required_unless_present = "end", value_parser = clap::value_parser!(u8).range(1..=99))]
        percent: Option<u8>,
        /// End the canary: the active version sends all messages again.
        #[arg(long, conflicts_with_all = ["digest", "percent"])]
        end: bool,
    },

    /// Activate a version: it sends from the next message on.
    #[command(after_help = "Example:\n  sendbox connector activate acme-sms 3f9a1c")]
    Activate {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
    },

    /// Roll back to the previous version: it sends again from the next message on.
    #[command(after_help = "Example:\n  sendbox connector rollback acme-sms --reason 'slow in Norway'")]
    Rollback {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The reason, for the audit log: one line of at most 200 characters.
        #[arg(long)]
        reason: Option<String>,
    },

    /// Show which versions send, with their results side by side.
    #[command(after_help = "Example:\n  sendbox connector status acme-sms")]
    Status {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
    },

    /// List the request shapes of a version, those that were held back first.
    ///
    /// A version may send requests of the shapes that were seen in rehearsals, tests and canaries. A request of another shape
    /// is held back until you approve that shape.
    #[command(after_help = "\
Examples:
  sendbox connector shapes acme-sms 3f9a1c
  sendbox connector shapes acme-sms 3f9a1c --tenant acme --json")]
    Shapes {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
    },

    /// Approve a request shape that was held back: the version may send it from the next message on.
    #[command(after_help = "\
Example:
  sendbox connector approve-shape acme-sms 3f9a1c 9f86d0   (`shapes` prints it)")]
    ApproveShape {
        /// The connector's id.
        #[arg(value_parser = id)]
        id: String,
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
        /// The shape's digest, or a prefix of it that is unique for the version.
        #[arg(value_parser = shapes::prefix)]
        shape: String,
    },

    /// Delete a version that is not in use. Deleting the last version deletes the connector.
    ///
    /// A file that was refused is not listed. Delete it by its full digest.
    #[command(after_help = "Example:\n  sendbox connector delete 3f9a1c")]
    Delete {
        /// The version: its digest, or a unique prefix of it.
        digest: DigestPrefix,
    },
}

/// Parses a connector's id. The server checks it; this only rejects what would change the path of the request.
fn id(text: &str) -> Result<String, String> {
    remote::id(text).map_err(|_| "must be an id, like acme-sms".to_owned())
}

/// Runs the command.
pub async fn run(args: &ConnectorArgs) -> Result<Exit, CliError> {
    let client = ConnectorClient { remote: args.remote.open(ADVICE)?, tenant: args.tenant.clone(), json: args.json };
    match &args.action {
        Action::Push(push) => push::run(push, &client).await,
        Action::List => {
            let list = client.list().await?;
            client.print(&list, || labels::connectors(&list.parsed))
        }
        Action::Versions { id } => {
            let versions = client.versions(id).await?;
            client.print(&versions, || labels::versions(&versions.parsed))
        }
        Action::Show { id, digest } => {
            let digest = client.resolve_digest(id, digest).await?;
            let version = client.version(id, &digest).await?;
            client.print(&version, || describe(&version.parsed, &client))
        }
        Action::Approve { id, digest, confirm } => approve(&client, id, digest, confirm.as_deref()).await,
        Action::Canary { id, digest: Some(digest), percent: Some(percent), .. } => {
            let digest = client.resolve_digest(id, digest).await?;
            let release = client.start_canary(id, &digest, *percent, None).await?;
            client.print(&release, || labels::release(&release.parsed))
        }
        Action::Canary { id, .. } => {
            let release = client.end_canary(id).await?;
            client.print(&release, || labels::release(&release.parsed))
        }
        Action::Activate { id, digest } => {
            let digest = client.resolve_digest(id, digest).await?;
            let activated = client.activate(id, &digest, None).await?;
            client.print(&activated, || labels::activated(&activated.parsed))
        }
        Action::Rollback { id, reason } => {
            let release = client.roll_back(id, reason.as_deref()).await?;
            client.print(&release, || labels::release(&release.parsed))
        }
        Action::Status { id } => {
            let release = client.release(id).await?;
            client.print(&release, || labels::release(&release.parsed))
        }
        Action::Shapes { id, digest } => {
            let digest = client.resolve_digest(id, digest).await?;
            let shapes = client.shapes(id, &digest).await?;
            client.print(&shapes, || shapes::list(&shapes.parsed, &client, id, &digest))
        }
        Action::ApproveShape { id, digest, shape } => {
            let digest = client.resolve_digest(id, digest).await?;
            let shape = shapes::resolve(&client.shapes(id, &digest).await?.parsed, shape)?;
            let approved = client.approve_shape(id, &digest, &shape).await?;
            client.print(&approved, || shapes::approved(&approved.parsed, &digest))
        }
        Action::Delete { digest } => {
            let digest = client.resolve_any_digest(digest).await?;
            client.delete(&digest).await?;
            let response = ApiResponse { raw: json!({ "deleted": digest }), parsed: () };
            client.print(&response, || format!("Deleted {digest}.\n"))
        }
    }
}

async fn approve(
    client: &ConnectorClient,
    id: &str,
    digest: &DigestPrefix,
    confirm: Option<&str>,
) -> Result<Exit, CliError> {
    let digest = client.resolve_digest(id, digest).await?;
    let version = client.version(id, &digest).await?;
    let Some(difference) = &version.parsed.difference else {
        return Err(CliError::refused(anyhow!(
            "there is nothing to approve: this version is active, or cannot be compared with the active version"
        )));
    };
    if difference.reach != Reach::Wider {
        return client
            .print(&version, || "No approval is needed: it may do no more than the active version.\n".to_owned());
    }
    let approved = client.approve(id, &digest, confirm.unwrap_or(&difference.confirmation_token)).await?;
    client.print(&approved, || {
        let lines = labels::difference_lines(difference);
        let next = client.command_line(&format!("canary {id} {} 10", labels::short(&digest)));
        format!("Approved version {}:\n{lines}Next: {next}\n", labels::short(&digest))
    })
}

/// The output of `show`.
fn describe(version: &ConnectorVersion, client: &ConnectorClient) -> String {
    let mut text = match &version.inspection {
        Some(inspection) => inspect::describe(inspection, &version.digest, None),
        None => format!("{}\n", render::line(&version.digest)),
    };
    let role = version.role.map_or("not usable", labels::role);
    write!(
        text,
        "\nOn this server\n  role     {role}\n  uploaded {}, by {}\n",
        version.uploaded_at,
        render::line(&version.uploaded_by)
    )
    .ok();
    if let Some(difference) = &version.difference {
        text.push('\n');
        text.push_str(&labels::difference(difference));
        if let (true, Some(id)) = (difference.needs_approval, &version.connector) {
            let command =
                format!("approve {id} {} --confirm {}", labels::short(&version.digest), difference.confirmation_token);
            writeln!(text, "To approve it: {}", client.command_line(&command)).ok();
        }
    }
    text
}
