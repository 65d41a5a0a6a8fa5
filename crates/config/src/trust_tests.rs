use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn room() -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path().join("conf");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("config.yaml");
    std::fs::write(&file, "undo: 1s\n").unwrap();
    set(&folder, 0o755);
    set(&file, 0o644);
    (room, file)
}

fn set(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_everybody_can_write_is_refused_with_the_fix() {
    let (_room, file) = room();
    let folder = file.parent().unwrap().to_owned();
    assert_eq!(trusted(&file), Ok(()));
    assert_eq!(trusted(&folder), Ok(()));
    assert_eq!(trusted(&folder.join("missing.yaml")), Ok(()));
    for (path, mode) in [(&file, 0o646), (&file, 0o666), (&folder, 0o777)] {
        set(path, mode);
        let problem = trusted(&file).unwrap_err();
        assert!(problem.text.contains(&format!("everybody can write it (mode {mode:o})")), "{problem}");
        assert_eq!(problem.hint.as_deref(), Some(format!("chmod go-w {}", path.display()).as_str()));
        set(path, mode & !0o022);
    }
    assert_eq!(trusted(&file), Ok(()));
}

#[test]
fn in_a_sticky_folder_the_file_alone_counts() {
    let (_room, file) = room();
    set(file.parent().unwrap(), 0o1777);
    assert_eq!(trusted(&file), Ok(()));
    set(&file, 0o666);
    assert!(trusted(&file).is_err());
}

#[test]
fn a_folder_of_which_every_file_is_read_is_closed_though_it_is_sticky() {
    let (_room, file) = room();
    let folder = file.parent().unwrap();
    set(folder, 0o1777);
    let problem = trusted(folder).unwrap_err();
    assert!(problem.text.contains("everybody can write it (mode 1777)"), "{problem}");
    assert_eq!(problem.hint.as_deref(), Some(format!("chmod go-w {}", folder.display()).as_str()));
}

#[test]
fn a_link_is_followed_to_the_file_and_its_folder() {
    let (room, file) = room();
    let link = room.path().join("link.yaml");
    symlink(&file, &link).unwrap();
    assert_eq!(trusted(&link), Ok(()));
    set(file.parent().unwrap(), 0o777);
    assert!(trusted(&link).unwrap_err().hint.unwrap().ends_with("/conf"));
    set(file.parent().unwrap(), 0o755);
    set(&file, 0o666);
    assert!(trusted(&link).is_err());
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (_room, file) = room();
    // Only root can give a file away; what a user reads that belongs to root is believed.
    if rustix::process::geteuid().is_root() {
        rustix::fs::chown(&file, Some(rustix::fs::Uid::from_raw(4_242)), None).unwrap();
        let problem = trusted(&file).unwrap_err();
        assert!(problem.text.contains("belongs to another user (number 4242)"), "{problem}");
    } else {
        assert_eq!(trusted(Path::new("/etc/passwd")), Ok(()));
    }
}

#[test]
fn a_group_is_the_users_own_when_nobody_else_is_in_it() {
    let passwd = "root:x:0:0::/root:/bin/sh\nmei:x:1000:1000::/home/mei:/bin/sh\nli:x:1001:1001::/home/li:/bin/sh\n\
                  wu:x:1002:50::/home/wu:/bin/sh\nho:x:1003:1004::/h:/bin/sh\nhe:x:1005:1004::/h:/bin/sh\n";
    let groups = "root:x:0:\nmei:x:1000:mei\nli:x:1001:mei\nstaff:x:50:\nho:x:1004:\n";
    let private = |uid, gid| is_private_group(passwd, groups, uid, gid);
    assert!(private(0, 0) && private(1000, 1000));
    assert!(!private(1001, 1001), "another user is a member");
    assert!(!private(1002, 50), "it is not named like him");
    assert!(!private(1003, 1004), "it is the first group of another too");
    assert!(!private(1000, 50) && !private(1000, 4711) && !private(4711, 4711), "not his first, or not listed");
}
