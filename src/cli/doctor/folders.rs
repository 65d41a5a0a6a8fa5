//! Our folders and files: there, writable, closed to others, on a disk that can hold a database.

use super::{Finding, Remedy, Scene};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tmuxagent_text::{Lang, message};

/// Folders, their rights and their disk.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let paths = &scene.paths;
    let mut found: Vec<Finding> = [&paths.state_dir, &paths.runtime_dir, &paths.approvals]
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|folder| judge_folder(folder, scene.lang))
        .collect();
    found.extend(open_files(scene));
    found.extend(doubtful(scene));
    found.extend(disk(&paths.state_dir, scene.lang));
    found
}

fn judge_folder(folder: &Path, lang: Lang) -> Finding {
    let shown = folder.display();
    let Ok(there) = std::fs::metadata(folder) else {
        return missing(folder, lang);
    };
    if !there.is_dir() {
        return Finding::failure(
            "folders",
            said!(lang, "{shown} is no folder", "{shown} 不是目录"),
            said!(lang, "move it away: mv {shown} {shown}.old", "把它移开：mv {shown} {shown}.old"),
        );
    }
    if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        return Finding::failure(
            "folders",
            said!(lang, "{shown} can't be written", "{shown} 不可写"),
            said!(lang, "chmod u+rwx {shown}, or --state-dir DIR", "chmod u+rwx {shown}，或使用 --state-dir DIR"),
        );
    }
    if there.mode() & 0o077 != 0 {
        let mode = there.mode() & 0o777;
        let text =
            said!(lang, "others can look into {shown} (mode {mode:o})", "其他用户可以查看 {shown}（权限 {mode:o}）");
        let finding = Finding::warning("folders", text, format!("chmod 700 {shown}"));
        return finding.with_remedy(Remedy::SetMode(folder.to_owned(), 0o700));
    }
    Finding::ok("folders", format!("{shown}"))
}

/// A folder that is not there yet is made at the first start, unless something forbids it.
fn missing(folder: &Path, lang: Lang) -> Finding {
    let shown = folder.display();
    let parent = folder.ancestors().skip(1).find(|parent| parent.exists());
    let can_be_made = parent.is_some_and(|parent| {
        parent.is_dir()
            && rustix::fs::access(parent, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
    });
    if can_be_made {
        return Finding::ok("folders", said!(lang, "{shown} is made at the first start", "{shown} 会在首次启动时创建"))
            .with_remedy(Remedy::MakeFolder(folder.to_owned()));
    }
    let place = parent.unwrap_or(folder).display();
    Finding::failure(
        "folders",
        said!(lang, "{shown} can't be made: {place} can't be written", "{shown} 无法创建：{place} 不可写"),
        said!(lang, "choose another: --state-dir DIR", "换一个目录：--state-dir DIR"),
    )
}

/// Files that may hold secrets and that others can read.
fn open_files(scene: &Scene) -> Vec<Finding> {
    let paths = &scene.paths;
    let own = std::fs::read_dir(&paths.state_dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let env = paths.config_dir.join(".env");
    let open = |path: &std::path::PathBuf| {
        std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o077 != 0)
    };
    own.chain([env])
        .filter(open)
        .map(|path| {
            let shown = path.display().to_string();
            Finding::warning(
                "folders",
                said!(scene.lang, "others can read {shown}", "其他用户可以读取 {shown}"),
                format!("chmod 600 {shown}"),
            )
            .with_remedy(Remedy::SetMode(path, 0o600))
        })
        .collect()
}

/// A key map that the screen would refuse. What is wrong with configuration and policies stands where they
/// are loaded; the key map is read by the screen alone.
fn doubtful(scene: &Scene) -> Option<Finding> {
    let problem = crate::cli::screen::keymap(&scene.paths).err()?;
    let (text, hint) = (message(scene.lang, &problem.text()), problem.hints().join("; "));
    Some(Finding::failure("folders", text, message(scene.lang, &hint)))
}

/// File systems on which SQLite's shared memory or a unix socket does not work (numbers: Linux `statfs(2)`).
const UNFIT: [(u64, &str); 4] = [(0x6969, "NFS"), (0x0102_1997, "9p"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2")];

fn disk(state_dir: &Path, lang: Lang) -> Vec<Finding> {
    let Some(there) = state_dir.ancestors().find(|folder| folder.exists()) else { return Vec::new() };
    let mut found = Vec::new();
    #[cfg(target_os = "linux")]
    if let Ok(stat) = rustix::fs::statfs(there) {
        let kind = u64::try_from(stat.f_type).unwrap_or(0) & 0xFFFF_FFFF;
        if let Some((_, name)) = UNFIT.iter().find(|(number, _)| *number == kind) {
            found.push(Finding::failure(
                "disk",
                said!(
                    lang,
                    "{} lies on {name}, where neither the database nor the socket works",
                    "{} 位于 {name} 上，数据库和套接字在那里都无法工作",
                    there.display()
                ),
                said!(
                    lang,
                    "choose a folder on a local disk: --state-dir DIR",
                    "选择本地磁盘上的目录：--state-dir DIR"
                ),
            ));
        }
    }
    if let Ok(stat) = rustix::fs::statvfs(there) {
        let free = stat.f_bavail.saturating_mul(stat.f_frsize) / (1024 * 1024);
        let place = there.display();
        let few = || said!(lang, "{free} MiB are left at {place}", "{place} 剩余 {free} MiB");
        let fix = said!(lang, "free some space", "腾出一些空间");
        found.push(match free {
            0..50 => Finding::failure("disk", few(), fix),
            50..500 => Finding::warning("disk", few(), fix),
            _ => Finding::ok("disk", said!(lang, "{} GiB are left at {place}", "{place} 剩余 {} GiB", free / 1024)),
        });
    }
    found
}

/// The state database, as `tmuxagent db check` examines it.
pub(super) fn database(scene: &Scene) -> Vec<Finding> {
    let lang = scene.lang;
    let database = &scene.paths.database;
    let shown = database.display();
    if !database.exists() {
        let text = said!(lang, "{shown} is made at the first start", "{shown} 会在首次启动时创建");
        return vec![Finding::ok("database", text)];
    }
    vec![match crate::cli::db::examine(&scene.paths) {
        Ok(health) if health.problems.is_empty() => {
            let (events, size) = (health.journal_rows, health.bytes / 1024);
            Finding::ok(
                "database",
                said!(lang, "{shown}: {events} events, {size} KiB", "{shown}：{events} 条事件，{size} KiB"),
            )
        }
        Ok(health) => Finding::failure(
            "database",
            said!(lang, "{shown} is damaged: {}", "{shown} 已损坏：{}", health.problems.join("; ")),
            said!(
                lang,
                "end the supervisor, then `tmuxagent db restore`",
                "先结束监督进程，再运行 `tmuxagent db restore`"
            ),
        ),
        Err(error) => Finding::failure("database", error.to_string(), super::settings::see(lang, "tmuxagent db check")),
    }]
}
