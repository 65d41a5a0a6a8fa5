//! The lines of a client, before the server reads them: what is no JSON is answered here, as the protocol says.

use serde::de::IgnoredAny;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;

/// JSON-RPC's answer to what can't be read; nobody knows which request it was.
const PARSE_ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;

/// Hands the client's lines on to the server, and answers those that are no JSON into `errors`.
pub(super) async fn read(
    client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    errors: mpsc::Sender<()>,
) {
    let mut client = BufReader::new(client);
    let mut line = Vec::new();
    loop {
        line.clear();
        match client.read_until(b'\n', &mut line).await {
            Ok(read) if read > 0 => {}
            // Its end is the server's.
            _ => return drop(server.shutdown().await),
        }
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        if !is_blank && serde_json::from_slice::<IgnoredAny>(&line).is_err() {
            if errors.send(()).await.is_err() {
                return;
            }
        } else if server.write_all(&line).await.is_err() {
            return;
        }
    }
}

/// Writes whole lines: the server's, and one for each thing that could not be read.
pub(super) async fn write(
    server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    mut errors: mpsc::Receiver<()>,
) {
    let mut server = BufReader::new(server);
    let mut line = Vec::new();
    loop {
        let written = tokio::select! {
            biased;
            // The beginning of a line that was read so far is kept.
            Some(()) = errors.recv() => client.write_all(format!("{PARSE_ERROR}\n").as_bytes()).await,
            read = server.read_until(b'\n', &mut line) => match read {
                Ok(read) if read > 0 => client.write_all(&std::mem::take(&mut line)).await,
                _ => return,
            },
        };
        if written.is_err() || client.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    #[tokio::test]
    async fn what_is_no_json_is_answered_and_the_rest_handed_on() {
        let (errors, told) = mpsc::channel(8);
        let (mut from_client, to_server) = duplex(1024);
        read(&b"{\"id\":1}\nhello\n\n[1]\n{\"half\n"[..], to_server, errors).await;
        let mut handed_on = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut from_client, &mut handed_on).await.unwrap();
        assert_eq!(String::from_utf8(handed_on).unwrap(), "{\"id\":1}\n\n[1]\n");
        let mut shown = Vec::new();
        write(&b"{\"id\":2}\n"[..], &mut shown, told).await;
        assert_eq!(String::from_utf8(shown).unwrap(), format!("{PARSE_ERROR}\n{PARSE_ERROR}\n{{\"id\":2}}\n"));
    }
}
