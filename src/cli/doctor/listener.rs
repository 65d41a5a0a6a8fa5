//! Which process of this user listens at a port. Linux tells by `/proc` (proc(5)); elsewhere it stays unknown.

use tmuxagent_text::{Lang, clean};

/// How it is named behind the port, or nothing where it is another user's.
pub(super) fn named(port: u16, lang: Lang) -> String {
    let Some((name, pid)) = holder(port) else { return String::new() };
    said!(lang, " ({name}, process {pid})", "（{name}，进程 {pid}）")
}

fn holder(port: u16) -> Option<(String, u32)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let sockets: Vec<String> =
        tables.iter().flat_map(|table| listening(table, port)).map(|inode| format!("socket:[{inode}]")).collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let holds = |pid: &u32| {
        let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = open.filter_map(|entry| std::fs::read_link(entry.path()).ok());
        links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
    };
    let pid = pids.into_iter().find(holds)?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some((clean(name.trim()), pid))
}

/// The inodes of the sockets that listen at a port. A row has its number, the local address in hexadecimal, the other one,
/// the state (`0A`: listening), and as its tenth field the inode.
fn listening(table: &str, port: u16) -> Vec<&str> {
    let suffix = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    rows.filter(|fields| fields.len() > 9 && fields[3] == "0A" && fields[1].ends_with(&suffix))
        .map(|fields| fields[9])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_that_listens_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let (name, pid) = holder(port).unwrap();
        assert!(!name.is_empty() && pid == std::process::id());
        assert!(named(port, Lang::En).ends_with(&format!(", process {pid})")));
        drop(taken);
        assert_eq!(named(port, Lang::Zh), "");
    }

    #[test]
    fn only_rows_that_listen_at_the_very_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:2253 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 41 1 0 100 0\n\
            1: 0100007F:2253 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 42 1 0 100 0\n\
            2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 43 1 0 100 0\n";
        assert_eq!(listening(table, 8787), ["41"]);
        assert_eq!(listening(table, 80), ["43"]);
    }
}
