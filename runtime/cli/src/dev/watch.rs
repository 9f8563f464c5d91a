//! Watches sources for changes, and waits until they stop changing.
//!
//! A build reads sources and writes beside them: reads do not count, nor do changes in build folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::project::Project;
use super::settings::Settings;
use crate::exit::CliError;

/// The time without a change after which the changes are complete. Editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// The watched sources.
pub struct Sources {
    watcher: RecommendedWatcher,
    events: UnboundedReceiver<notify::Result<Event>>,
    /// A project folder: everything in it except builds is a source.
    tree: Option<PathBuf>,
    /// Single files.
    files: BTreeSet<PathBuf>,
    /// The folders that are watched.
    watched: BTreeSet<PathBuf>,
}

impl Sources {
    /// Watches a project, its configuration, and the files that the configuration names.
    pub fn of(project: &Project, config: &Path, settings: &Settings) -> Result<Self, CliError> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event| {
            // The receiver is gone when the command ends.
            sender.send(event).ok();
        })
        .map_err(watch_error)?;
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

    /// Watches the configuration, and the scripted responses that it names.
    pub fn watch_answers(&mut self, config: &Path, settings: &Settings) -> Result<(), CliError> {
        let answers = settings.answers.values().map(|(file, _)| file.as_path());
        for file in std::iter::once(config).chain(answers) {
            self.watch_file(file)?;
        }
        Ok(())
    }

    /// Waits for a change, and for the end of further changes right after it.
    pub async fn changed(&mut self) -> Result<(), CliError> {
        loop {
            let event = self.events.recv().await.ok_or_else(|| anyhow!("the watcher of the sources has stopped"))?;
            if !self.counts(&event.map_err(watch_error)?) {
                continue;
            }
            while let Ok(Some(event)) = tokio::time::timeout(QUIET, self.events.recv()).await {
                event.map_err(watch_error)?;
            }
            // There may be new folders.
            return self.watch_tree();
        }
    }

    fn counts(&self, event: &Event) -> bool {
        // If events were lost, their paths are unknown.
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
        below.components().next().is_some_and(|first| !is_ignored(&tree.join(first)))
    }

    /// Watches the project folder, and each folder in it that contains sources. Build folders are not watched: they are large.
    fn watch_tree(&mut self) -> Result<(), CliError> {
        let Some(tree) = self.tree.clone() else { return Ok(()) };
        self.watch_folder(&tree, RecursiveMode::NonRecursive)?;
        for entry in fs::read_dir(&tree)?.flatten() {
            let path = entry.path();
            if path.is_dir() && !is_ignored(&path) {
                self.watch_folder(&path, RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }

    /// Watches a file through its folder, because editors replace files.
    fn watch_file(&mut self, file: &Path) -> Result<(), CliError> {
        let file = file.canonicalize().map_err(|error| anyhow!("cannot watch {}: {error}", file.display()))?;
        if let Some(folder) = file.parent() {
            self.watch_folder(folder, RecursiveMode::NonRecursive)?;
        }
        self.files.insert(file);
        Ok(())
    }

    fn watch_folder(&mut self, folder: &Path, mode: RecursiveMode) -> Result<(), CliError> {
        let is_covered = self.watched.contains(folder)
            || self.tree.as_ref().is_some_and(|tree| {
                // A second watch of a folder inside a watched one would end the recursion of the first.
                folder != tree
                    && folder
                        .ancestors()
                        .skip(1)
                        .any(|above| above != tree && self.watched.contains(above) && above.starts_with(tree))
            });
        if !is_covered {
            self.watcher.watch(folder, mode).map_err(watch_error)?;
            self.watched.insert(folder.to_owned());
        }
        Ok(())
    }
}

/// Build folders, hidden files and installed packages.
fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name == "target" || name == "node_modules" || path.join("CACHEDIR.TAG").exists()
}

fn watch_error(error: notify::Error) -> CliError {
    anyhow!("cannot watch the sources: {error}. If the system's limit is reached, raise fs.inotify.max_user_watches")
        .into()
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
    fn writes_count_but_builds_and_reads_do_not() {
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
    async fn changes_are_reported_and_new_folders_are_watched() {
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
