//! Whether a file that says what is done can be believed: nobody but its user, or root, can have written it.
//!
//! A configuration, a policy or a key map decides what is typed and run. Who may write the file, or put another into its
//! folder, is as mighty as its user. So the file, the folder that it was named in and the folder that it really lies in
//! must belong to the user or to root and be closed to the writing of others. A group may write where it is the user's
//! own: many systems give each user a group of his name and a umask of 002. In a sticky folder such as `/tmp` nobody can
//! replace what is another's, so there a file that was named alone counts; a folder of which every file is read must be
//! closed, since there a file of another's would count.

use super::Problem;
use rustix::process::geteuid;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Write permission of the group, and of everybody.
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;
/// Only owners may rename and remove in such a folder.
const STICKY: u32 = 0o1000;

/// Whether a file or folder can be believed. One that is not there can.
///
/// # Errors
/// Who else can write it, with the way out.
pub fn trusted(path: &Path) -> Result<(), Problem> {
    let Ok(there) = std::fs::metadata(path) else { return Ok(()) };
    judge(path, &there, false)?;
    if let Ok(link) = std::fs::symlink_metadata(path)
        && link.is_symlink()
        && !is_ours(link.uid())
    {
        return Err(foreign(path, link.uid()));
    }
    // A pipe or a device lies in no folder that matters.
    if !there.is_file() && !there.is_dir() {
        return Ok(());
    }
    folders(path).iter().try_for_each(|folder| match std::fs::metadata(folder) {
        Ok(there) => judge(folder, &there, true),
        Err(_) => Ok(()),
    })
}

/// The folder that a file is named in, and the one that it really lies in.
fn folders(path: &Path) -> Vec<PathBuf> {
    let named = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| named.clone());
    let mut folders: Vec<PathBuf> = [named, real].iter().filter_map(|file| file.parent()).map(Path::to_owned).collect();
    folders.dedup();
    folders
}

/// `around`: it only holds what is looked at, and nobody reads what else lies there.
fn judge(path: &Path, there: &Metadata, around: bool) -> Result<(), Problem> {
    if !is_ours(there.uid()) {
        return Err(foreign(path, there.uid()));
    }
    let mode = there.mode();
    let closed = around && mode & STICKY != 0;
    let who = match (mode & OTHERS != 0, mode & GROUP != 0) {
        _ if closed => return Ok(()),
        (true, _) => "everybody",
        (false, true) if !is_own_group(there.gid()) => "its group",
        (false, _) => return Ok(()),
    };
    let shown = path.display();
    let text = format!("{shown} is refused: {who} can write it (mode {:o}), and with it what is done", mode & 0o7777);
    Err(Problem::new(text, if keeps_modes(path) { format!("chmod go-w {shown}") } else { NO_MODES.to_owned() }))
}

fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}

fn foreign(path: &Path, uid: u32) -> Problem {
    let shown = path.display();
    Problem::new(
        format!("{shown} is refused: it belongs to another user (number {uid}), who decides with it what is done"),
        format!("keep a copy that is yours, or: sudo chown {} {shown}", geteuid().as_raw()),
    )
}

/// On Windows disks under WSL and on FAT every file may be written by everybody, and `chmod` changes nothing.
const NO_MODES: &str = "its file system keeps no modes: move it below your home folder, or mount that disk so that only \
                        you can write (umask=022; under WSL also `metadata`)";

#[cfg(target_os = "linux")]
fn keeps_modes(path: &Path) -> bool {
    // Numbers of statfs(2): 9p, which carries Windows disks into WSL; its older wslfs; FAT, exFAT, NTFS, FUSE.
    const MODELESS: [u64; 6] = [0x0102_1997, 0x5346_4846, 0x4d44, 0x2011_bab0, 0x5346_544e, 0x6573_5546];
    let kind = rustix::fs::statfs(path).map(|stat| u64::try_from(stat.f_type).unwrap_or(0) & 0xFFFF_FFFF);
    kind.is_ok_and(|kind| !MODELESS.contains(&kind)) || kind.is_err()
}

#[cfg(not(target_os = "linux"))]
fn keeps_modes(_: &Path) -> bool {
    true
}

fn is_own_group(gid: u32) -> bool {
    let list = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    is_private_group(&list("/etc/passwd"), &list("/etc/group"), geteuid().as_raw(), gid)
}

/// Whether a group is that user's own by the system's lists (passwd(5), group(5)): his first one, of his name, with
/// nobody else in it. A group that the lists do not know is not.
fn is_private_group(passwd: &str, group: &str, uid: u32, gid: u32) -> bool {
    // name:password:uid:gid:…
    let users = || {
        passwd.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, user, first, ..] = fields[..] else { return None };
            Some((name, user.parse::<u32>().ok()?, first.parse::<u32>().ok()?))
        })
    };
    let Some((name, ..)) = users().find(|(_, user, first)| (*user, *first) == (uid, gid)) else { return false };
    if users().any(|(_, user, first)| first == gid && user != uid) {
        return false;
    }
    // name:password:gid:member,member
    let mut groups = group.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [group, _, number, members] = fields[..] else { return None };
        (number.parse() == Ok(gid)).then_some((group, members))
    });
    let first = groups.next();
    let alone = |members: &str| members.split(',').all(|member| member.trim().is_empty() || member.trim() == name);
    first.is_some_and(|(group, members)| group == name && alone(members)) && groups.all(|(_, members)| alone(members))
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
