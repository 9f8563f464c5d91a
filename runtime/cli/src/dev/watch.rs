//! Tells when a source has changed, and has been left alone for a moment.
//!
//! Builds read sources and write beside them: reads do not count, nor does what lies in a folder of builds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::project::Project;
use super::settings::Settings;
use crate::exit::Stop;

/// How long it must be quiet. Editors write a file in several steps, and people save several files.
const QUIET: Duration = Duration::from_millis(150);

/// The watched files.
pub struct Sources {
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<notify::Result<Event>>,
    /// A project: everything below it, but builds.
    tree: Option<PathBuf>,
    /// Single files.
    files: BTreeSet<PathBuf>,
    /// Folders under watch.
    watched: BTreeSet<PathBuf>,
}

impl Sources {
    /// Of a project, its configuration and the answers that this names.
    pub fn of(project: &Project, config: &Path, settings: &Settings) -> Result<Self, Stop> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more at the very end.
            sender.send(event).ok();
        })
        .map_err(cannot)?;
        let mut sources = Self { watcher, events, tree: None, files: BTreeSet::new(), watched: BTreeSet::new() };
        match project {
            Project::Cargo(folder) => {
                sources.tree = Some(folder.clone());
                sources.watch_tree()?;
            }
            Project::File(file) => sources.watch_file(file)?,
        }
        sources.watch_answers(config, settings)?;
        Ok(sources)
    }

    /// The configuration, and the answers as it names them now.
    pub fn watch_answers(&mut self, config: &Path, settings: &Settings) -> Result<(), Stop> {
        let answers = settings.answers.values().map(|(file, _)| file.as_path());
        for file in std::iter::once(config).chain(answers) {
            self.watch_file(file)?;
        }
        Ok(())
    }

    /// Waits for a change, and for the end of the changes that come with it.
    pub async fn changed(&mut self) -> Result<(), Stop> {
        loop {
            let event = self.events.recv().await.ok_or_else(|| anyhow!("the watch of the sources has ended"))?;
            if !self.counts(&event.map_err(cannot)?) {
                continue;
            }
            while let Ok(Some(event)) = tokio::time::timeout(QUIET, self.events.recv()).await {
                event.map_err(cannot)?;
            }
            // Folders may have come with it.
            return self.watch_tree();
        }
    }

    fn counts(&self, event: &Event) -> bool {
        // Whether events were lost is not known by path.
        event.need_rescan()
            || !matches!(event.kind, EventKind::Access(_))
                && event.paths.iter().any(|path| self.files.contains(path) || self.is_source(path))
    }

    fn is_source(&self, path: &Path) -> bool {
        let Some(below) = self.tree.as_ref().and_then(|tree| path.strip_prefix(tree).ok().map(|below| (tree, below)))
        else {
            return false;
        };
        let (tree, below) = below;
        below.components().next().is_some_and(|first| !is_no_source(&tree.join(first)))
    }

    /// The project's folder, and each folder in it that holds sources. Builds are not watched at all: they are large.
    fn watch_tree(&mut self) -> Result<(), Stop> {
        let Some(tree) = self.tree.clone() else { return Ok(()) };
        self.watch_folder(&tree, RecursiveMode::NonRecursive)?;
        for entry in fs::read_dir(&tree)?.flatten() {
            let path = entry.path();
            if path.is_dir() && !is_no_source(&path) {
                self.watch_folder(&path, RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }

    /// A file is watched by its folder: editors replace files.
    fn watch_file(&mut self, file: &Path) -> Result<(), Stop> {
        let file = file.canonicalize().map_err(|error| anyhow!("cannot watch {}: {error}", file.display()))?;
        if let Some(folder) = file.parent() {
            self.watch_folder(folder, RecursiveMode::NonRecursive)?;
        }
        self.files.insert(file);
        Ok(())
    }

    fn watch_folder(&mut self, folder: &Path, mode: RecursiveMode) -> Result<(), Stop> {
        let is_covered = self.watched.contains(folder)
            || self.tree.as_ref().is_some_and(|tree| {
                // A folder in a watched one: a second watch of it would end the first one's depth.
                folder != tree
                    && folder
                        .ancestors()
                        .skip(1)
                        .any(|above| above != tree && self.watched.contains(above) && above.starts_with(tree))
            });
        if !is_covered {
            self.watcher.watch(folder, mode).map_err(cannot)?;
            self.watched.insert(folder.to_owned());
        }
        Ok(())
    }
}

/// Builds, hidden files, and what a package manager put there.
fn is_no_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "target" || name == "node_modules" || path.join("CACHEDIR.TAG").exists()
}

fn cannot(error: notify::Error) -> Stop {
    let stop = anyhow!(
        "cannot watch the sources: {error}. Where the system has no watches left, raise its limit (fs.inotify.max_user_watches)"
    );
    stop.into()
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind};

    use super::*;

    fn project() -> (tempfile::TempDir, PathBuf, Sources) {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().canonicalize().unwrap();
        for name in ["src/deep", "target/release", "out", "answers"] {
            fs::create_dir_all(project.join(name)).unwrap();
        }
        for name in ["Cargo.toml", "src/lib.rs", "out/CACHEDIR.TAG"] {
            fs::write(project.join(name), "").unwrap();
        }
        fs::write(project.join("answers/accepted.json"), r#"{"status": 200}"#).unwrap();
        fs::write(project.join("dev.json"), r#"{"answers": {"a.example": "answers/accepted.json"}}"#).unwrap();
        let config = project.join("dev.json");
        let settings = Settings::read(&config).unwrap();
        let sources = Sources::of(&Project::Cargo(project.clone()), &config, &settings).unwrap();
        (folder, project, sources)
    }

    #[test]
    fn what_is_written_counts_and_what_is_built_or_read_does_not() {
        let (_folder, project, sources) = project();
        let written = EventKind::Modify(ModifyKind::Any);
        for (path, kind, counts) in [
            ("src/lib.rs", written, true),
            ("src/deep/new.rs", EventKind::Create(CreateKind::File), true),
            ("README.md", written, true),
            ("dev.json", written, true),
            ("answers/accepted.json", written, true),
            ("src/lib.rs", EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            ("src/lib.rs", EventKind::Access(AccessKind::Close(AccessMode::Write)), false),
            ("target", EventKind::Create(CreateKind::Folder), false),
            ("target/release/a.wasm", written, false),
            ("out/a.o", written, false),
            (".git/index", written, false),
            (".lib.rs.swp", written, false),
        ] {
            let event = Event::new(kind).add_path(project.join(path));
            assert_eq!(sources.counts(&event), counts, "{path} {kind:?}");
        }
        let elsewhere = Event::new(written).add_path(project.parent().unwrap().join("other"));
        assert!(!sources.counts(&elsewhere));
        assert!(sources.watched.iter().all(|folder| !folder.starts_with(project.join("target"))));
    }

    #[tokio::test]
    async fn changes_are_told_and_new_folders_are_watched_too() {
        let (_folder, project, mut sources) = project();
        for path in ["src/lib.rs", "src/deep/new.rs", "README.md", "dev.json"] {
            fs::write(project.join(path), "{}").unwrap();
            sources.changed().await.unwrap();
        }
        fs::create_dir(project.join("tests")).unwrap();
        while !sources.watched.contains(&project.join("tests")) {
            sources.changed().await.unwrap();
        }
    }
}
