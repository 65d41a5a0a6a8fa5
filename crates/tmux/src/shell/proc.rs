//! Files of `/proc`: each is made as it is read, so it is read by as few calls as it takes.

use rustix::fs::{Mode, OFlags};

/// What is read by one call.
const AT_ONCE: usize = 4096;
/// A file that gave no more than this at once has given all: the system hands out whole records as long as they fit, and none
/// of those files has a longer one behind a shorter.
const CERTAINLY_ALL: usize = AT_ONCE / 2;

/// What `/proc/PID/FILE` says; `None` where that can't be read.
pub(super) fn bytes(pid: u32, file: &str) -> Option<Vec<u8>> {
    read(&format!("/proc/{pid}/{file}"))
}

/// The same as text; empty where that can't be read, or is none.
pub(super) fn text(pid: u32, file: &str) -> String {
    bytes(pid, file).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// What such a file says.
pub(super) fn read(path: &str) -> Option<Vec<u8>> {
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let (mut piece, mut all) = ([0; AT_ONCE], Vec::new());
    loop {
        let length = match rustix::io::read(&file, &mut piece) {
            Err(rustix::io::Errno::INTR) => continue,
            read => read.ok()?,
        };
        all.extend_from_slice(piece.get(..length)?);
        if length <= CERTAINLY_ALL && (length == 0 || all.len() == length) {
            return Some(all);
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_the_system_says() {
        let pid = std::process::id();
        for file in ["stat", "status", "cmdline", "io", "maps"] {
            let whole = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
            let read = bytes(pid, file).unwrap();
            // Numbers in them change from one reading to the next.
            let lines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
            assert!(!read.is_empty() && lines(&read).abs_diff(lines(&whole)) <= 8, "{file}");
        }
        assert_eq!(bytes(pid, "cmdline"), std::fs::read("/proc/self/cmdline").ok());
        assert_eq!((bytes(pid, "no-such-file"), bytes(u32::MAX, "stat")), (None, None));
        assert_eq!(text(u32::MAX, "stat"), "");
    }

    #[test]
    fn a_long_file_is_read_whole() {
        let argument = "x".repeat(100_000);
        let words = ["-c", "read x", &argument];
        let mut child = std::process::Command::new("sh");
        let mut child = child.args(words).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let wanted = format!("sh\0-c\0read x\0{argument}\0");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        // It is there before it has its own arguments.
        while bytes(child.id(), "cmdline").as_deref() != Some(wanted.as_bytes()) {
            assert!(std::time::Instant::now() < end, "{} bytes", text(child.id(), "cmdline").len());
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
