//! Connections for what is not HTTP requests: directly, through an HTTP proxy (`CONNECT`, RFC 9110 §9.3.6), or through
//! SOCKS5 (RFC 1928, with RFC 1929 names and passwords).

use super::http::ProxyChoice;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connects to `host:port`. [`ProxyChoice::Inherit`] must have been resolved by the configuration; it is direct here.
///
/// # Errors
/// When there is no connection, or the proxy refuses; the text names neither name nor password.
pub async fn dial(proxy: &ProxyChoice, host: &str, port: u16) -> io::Result<TcpStream> {
    let ProxyChoice::Url(text) = proxy else {
        return TcpStream::connect((host, port)).await;
    };
    let url = Url::parse(text).map_err(|error| refused(&format!("the proxy's address: {error}")))?;
    let at = url.host_str().unwrap_or_default().to_owned();
    match url.scheme() {
        "http" => {
            let stream = TcpStream::connect((at, url.port().unwrap_or(80))).await?;
            connect(stream, &url, host, port).await
        }
        "socks5" | "socks5h" => {
            let stream = TcpStream::connect((at, url.port().unwrap_or(1080))).await?;
            socks5(stream, &url, host, port).await
        }
        other => Err(refused(&format!("a proxy of kind `{other}` can't be used for this channel; use http or socks5"))),
    }
}

fn refused(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionRefused, text.to_owned())
}

/// Name and password of a URL, decoded.
fn credentials(url: &Url) -> Option<(Vec<u8>, Vec<u8>)> {
    if url.username().is_empty() {
        return None;
    }
    Some((decode(url.username()), decode(url.password().unwrap_or_default())))
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = (*first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    bytes
}

async fn connect(mut stream: TcpStream, url: &Url, host: &str, port: u16) -> io::Result<TcpStream> {
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some((name, password)) = credentials(url) {
        let text = STANDARD.encode([name, b":".to_vec(), password].concat());
        request.push_str(&format!("Proxy-Authorization: Basic {text}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 8192 {
            return Err(refused("the proxy's answer is too long"));
        }
        // Byte by byte, so that nothing of what follows is taken.
        head.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.split_whitespace().nth(1).unwrap_or_default();
    if status.starts_with('2') { Ok(stream) } else { Err(refused(&format!("the proxy answers {status}"))) }
}

async fn socks5(mut stream: TcpStream, url: &Url, host: &str, port: u16) -> io::Result<TcpStream> {
    let login = credentials(url);
    let method = if login.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, method]).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    if answer != [5, method] {
        return Err(refused("the SOCKS proxy does not accept this way to log in"));
    }
    let short =
        |bytes: &[u8]| u8::try_from(bytes.len()).map_err(|_| refused("a name or password is too long for SOCKS"));
    if let Some((name, password)) = login {
        let mut login = vec![1, short(&name)?];
        login.extend(&name);
        login.push(short(&password)?);
        login.extend(&password);
        stream.write_all(&login).await?;
        stream.read_exact(&mut answer).await?;
        if answer[1] != 0 {
            return Err(refused("the SOCKS proxy does not accept name and password"));
        }
    }
    // The proxy resolves the name, so that a private network's names work.
    let mut request = vec![5, 1, 0, 3, short(host.as_bytes())?];
    request.extend(host.as_bytes());
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let rest = match head[3] {
        1 => 4,
        3 => usize::from(stream.read_u8().await?),
        4 => 16,
        _ => return Err(refused("the SOCKS proxy's answer is malformed")),
    };
    stream.read_exact(&mut vec![0; rest + 2]).await?;
    match head[1] {
        0 => Ok(stream),
        code => Err(refused(&format!("the SOCKS proxy answers code {code}"))),
    }
}
