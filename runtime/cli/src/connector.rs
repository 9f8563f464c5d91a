//! `sendbox connector`: versions of connectors at a running service: uploaded, compared, tried on a share, activated, taken back.
//!
//! A client of the REST API and nothing else. What a version may do, whether that is more, and what follows is decided there.

mod desk;
mod digest;
mod push;
mod shapes;
pub mod words;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use sendbox_service::model::{ConnectorVersion, Reach};
use sendbox_service::rules::difference::Description;
use serde_json::json;

use self::desk::{Desk, Said};
use self::digest::Shortened;
use crate::exit::{Exit, Stop};
use crate::inspect;
use crate::remote::RemoteArgs;
use crate::render;

/// Upload versions of connectors to a running service, compare, try, activate and take them back.
///
/// A version is the digest of its file, and may be shortened to a beginning that no other version of the connector has.
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
  0  done
  2  the command line, a file, the key, an id or a digest is wrong; nothing was done
  3  refused by a rule of the service, or it needs an approval first
  5  in doubt: the answer was lost, and it may have been done
  6  no server was reached; nothing was done
  7  the server or this machine could not do it"
)]
pub struct ConnectorArgs {
    #[command(subcommand)]
    action: Action,

    /// The tenant whose connectors are meant [default: those of all tenants, which need the platform key].
    #[arg(long, global = true, value_name = "ID", value_parser = id, help_heading = "Server")]
    tenant: Option<String>,

    /// Print one JSON object or array on stdout and nothing else; errors too.
    #[arg(long, global = true)]
    pub json: bool,

    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Upload a file, follow its check, and say what it may do that the active version may not.
    ///
    /// The first version of a connector is active at once. A further one sends nothing until it is tried or activated. One that
    /// may do more needs an approval: by --approve, or by an answer on the terminal; without either the command ends with 3.
    #[command(after_help = "\
Examples:
  sendbox connector push acme.wasm
  sendbox connector push acme.wasm --tenant acme --activate
  sendbox connector push acme.wasm --approve --canary 10 --json")]
    Push(PushArgs),

    /// List the connectors: those that come with Sendbox, and those that were uploaded.
    #[command(after_help = "Example:\n  sendbox connector list --tenant acme")]
    List,

    /// List the versions of a connector, newest first.
    #[command(after_help = "Example:\n  sendbox connector versions acme-sms")]
    Versions {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
    },

    /// Say what a version may do and needs, and how that differs from the active one.
    #[command(after_help = "Example:\n  sendbox connector show acme-sms 3f9a1c")]
    Show {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        digest: Shortened,
    },

    /// Approve what a version may do more than the active one, and what it newly says of itself.
    ///
    /// It is an approval of the difference as it is now, which is printed. With --confirm it is one of the difference that was
    /// read before, and refused when that has changed.
    #[command(after_help = "\
Examples:
  sendbox connector approve acme-sms 3f9a1c
  sendbox connector approve acme-sms 3f9a1c --confirm 5e1f…   (`show` prints it)")]
    Approve {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        digest: Shortened,
        /// The print of the difference that was read.
        #[arg(long, value_name = "PRINT")]
        confirm: Option<String>,
    },

    /// Try a version on a share of the messages, change the share, or end the trial.
    #[command(after_help = "\
Examples:
  sendbox connector canary acme-sms 3f9a1c 10
  sendbox connector canary acme-sms --end")]
    Canary {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        #[arg(required_unless_present = "end")]
        digest: Option<Shortened>,
        /// Of a hundred messages: 1 to 99.
        #[arg(required_unless_present = "end", value_parser = clap::value_parser!(u8).range(1..=99))]
        percent: Option<u8>,
        /// Everything goes to the active version again.
        #[arg(long, conflicts_with_all = ["digest", "percent"])]
        end: bool,
    },

    /// Make a version the one that sends, from the next message on.
    #[command(after_help = "Example:\n  sendbox connector activate acme-sms 3f9a1c")]
    Activate {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        digest: Shortened,
    },

    /// Take the active version back: the one before sends again, from the next message on.
    #[command(after_help = "Example:\n  sendbox connector rollback acme-sms --reason 'slow in Norway'")]
    Rollback {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// Why, for the audit: one line of at most 200 characters.
        #[arg(long)]
        reason: Option<String>,
    },

    /// Say which versions send, and how they do, side by side.
    #[command(after_help = "Example:\n  sendbox connector status acme-sms")]
    Status {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
    },

    /// List the requests that a version makes, line by line: those that were held back first, with what differs.
    ///
    /// A version may send what it was rehearsed, tested and tried with. A request of another shape is held back until somebody
    /// approves it.
    #[command(after_help = "\
Examples:
  sendbox connector shapes acme-sms 3f9a1c
  sendbox connector shapes acme-sms 3f9a1c --tenant acme --json")]
    Shapes {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        digest: Shortened,
    },

    /// Let a version send requests of a shape that was held back, from the next message on.
    #[command(after_help = "\
Example:
  sendbox connector approve-shape acme-sms 3f9a1c 9f86d0   (`shapes` prints it)")]
    ApproveShape {
        /// The connector.
        #[arg(value_parser = id)]
        id: String,
        /// The version, or the beginning of its digest.
        digest: Shortened,
        /// The shape, or a beginning of it that no other shape of the version has.
        #[arg(value_parser = shapes::typed)]
        shape: String,
    },

    /// Delete a version that nothing uses. The last one goes with the connector.
    ///
    /// A file that was refused is on no list: it is deleted by its whole digest.
    #[command(after_help = "Example:\n  sendbox connector delete 3f9a1c")]
    Delete {
        /// The version, or the beginning of its digest.
        digest: Shortened,
    },
}

#[derive(Args)]
struct PushArgs {
    /// The component.
    file: PathBuf,

    /// Try it on so many of a hundred messages, when it is checked and may.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=99), conflicts_with = "activate")]
    canary: Option<u8>,

    /// Activate it, when it is checked and may.
    #[arg(long)]
    activate: bool,

    /// Approve what it may do more than the active version, and what it newly says of itself.
    #[arg(long)]
    approve: bool,
}

/// Part of a path. What an id may be is the server's rule; what is none would lead to another operation.
fn id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().all(|character| character == '.') {
        return Err("must be an id, like acme-sms".to_owned());
    }
    Ok(text.to_owned())
}

/// Runs the command.
pub async fn run(args: &ConnectorArgs) -> Result<Exit, Stop> {
    let desk = Desk { remote: args.remote.open()?, tenant: args.tenant.clone(), json: args.json };
    match &args.action {
        Action::Push(push) => push::run(push, &desk).await,
        Action::List => {
            let list = desk.list().await?;
            desk.say(&list, || words::connectors(&list.read))
        }
        Action::Versions { id } => {
            let versions = desk.versions(id).await?;
            desk.say(&versions, || words::versions(&versions.read))
        }
        Action::Show { id, digest } => {
            let digest = desk.digest(id, digest).await?;
            let version = desk.version(id, &digest).await?;
            desk.say(&version, || shown(&version.read, &desk))
        }
        Action::Approve { id, digest, confirm } => approve(&desk, id, digest, confirm.as_deref()).await,
        Action::Canary { id, digest: Some(digest), percent: Some(percent), .. } => {
            let digest = desk.digest(id, digest).await?;
            let release = desk.try_on(id, &digest, *percent, None).await?;
            desk.say(&release, || words::release(&release.read))
        }
        Action::Canary { id, .. } => {
            let release = desk.end_trial(id).await?;
            desk.say(&release, || words::release(&release.read))
        }
        Action::Activate { id, digest } => {
            let digest = desk.digest(id, digest).await?;
            let activated = desk.activate(id, &digest, None).await?;
            desk.say(&activated, || words::activated(&activated.read))
        }
        Action::Rollback { id, reason } => {
            let release = desk.roll_back(id, reason.as_deref()).await?;
            desk.say(&release, || words::release(&release.read))
        }
        Action::Status { id } => {
            let release = desk.release(id).await?;
            desk.say(&release, || words::release(&release.read))
        }
        Action::Shapes { id, digest } => {
            let digest = desk.digest(id, digest).await?;
            let shapes = desk.shapes(id, &digest).await?;
            desk.say(&shapes, || shapes::list(&shapes.read, &desk, id, &digest))
        }
        Action::ApproveShape { id, digest, shape } => {
            let digest = desk.digest(id, digest).await?;
            let shape = shapes::pick(&desk.shapes(id, &digest).await?.read, shape)?;
            let approved = desk.approve_shape(id, &digest, &shape).await?;
            desk.say(&approved, || shapes::approved(&approved.read, &digest))
        }
        Action::Delete { digest } => {
            let digest = desk.digest_anywhere(digest).await?;
            desk.delete(&digest).await?;
            let said = Said { value: json!({ "deleted": digest }), read: () };
            desk.say(&said, || format!("{digest} is gone.\n"))
        }
    }
}

async fn approve(desk: &Desk, id: &str, digest: &Shortened, confirm: Option<&str>) -> Result<Exit, Stop> {
    let digest = desk.digest(id, digest).await?;
    let version = desk.version(id, &digest).await?;
    let Some(difference) = &version.read.difference else {
        return Err(Stop::refused(anyhow!(
            "this version is the active one, or cannot be compared with it; there is nothing to approve"
        )));
    };
    if difference.reach != Reach::Wider {
        return desk.say(&version, || "It may do no more than the active version: it needs no approval.\n".to_owned());
    }
    let approved = desk.approve(id, &digest, confirm.unwrap_or(&difference.confirmation_token)).await?;
    desk.say(&approved, || {
        let lines = words::sentences(difference);
        let next = desk.again(&format!("canary {id} {} 10", words::short(&digest)));
        format!("Approved, for version {}:\n{lines}Next: {next}\n", words::short(&digest))
    })
}

/// A version in words, and what differs.
fn shown(version: &ConnectorVersion, desk: &Desk) -> String {
    let described = version.inspection.clone().and_then(|value| serde_json::from_value::<Description>(value).ok());
    let mut text = match described {
        Some(described) => inspect::words(&described, &version.digest, None),
        // Of a newer server: what differs is said all the same.
        None => format!("{}\n", render::line(&version.digest)),
    };
    let standing = version.role.map_or("not usable", words::standing);
    write!(
        text,
        "\nHere\n  standing {standing}\n  uploaded {}, by {}\n",
        version.uploaded_at,
        render::line(&version.uploaded_by)
    )
    .ok();
    if let Some(difference) = &version.difference {
        text.push('\n');
        text.push_str(&words::difference(difference));
        if let (true, Some(id)) = (difference.needs_approval, &version.connector) {
            let command =
                format!("approve {id} {} --confirm {}", words::short(&version.digest), difference.confirmation_token);
            writeln!(text, "It needs an approval before it sends: {}", desk.again(&command)).ok();
        }
    }
    text
}
