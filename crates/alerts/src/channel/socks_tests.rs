//! Channels behind a SOCKS5 proxy (RFC 1928, RFC 1929), played on the loopback: names are resolved by the proxy.

use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The name that only the proxy knows.
const NAME: &[u8] = b"service.invalid";

/// A proxy that wants the login `me`, `p@ss` and leads everything to `target`; counts the connections that it made.
async fn proxy(target: String, made: Arc<AtomicU32>) -> String {
    let base = raw(move |stream| {
        let (target, made) = (target.clone(), Arc::clone(&made));
        async move {
            // A client that goes away in the middle is its own affair.
            let _ = relay(stream, &target, &made).await;
        }
    })
    .await;
    base.replace("http://", "socks5h://me:p%40ss@")
}

async fn relay(mut client: TcpStream, target: &str, made: &AtomicU32) -> std::io::Result<()> {
    let methods = client.read_u16().await?;
    assert_eq!(methods >> 8, 5, "the version");
    let mut offered = vec![0; usize::from(methods & 0xff)];
    client.read_exact(&mut offered).await?;
    assert!(offered.contains(&2), "name and password are offered: {offered:?}");
    client.write_all(&[5, 2]).await?;
    let mut login = [0; 9];
    client.read_exact(&mut login).await?;
    assert_eq!(&login, b"\x01\x02me\x04p@ss");
    client.write_all(&[1, 0]).await?;
    let mut request = [0; 5];
    client.read_exact(&mut request).await?;
    assert_eq!(request[..4], [5, 1, 0, 3], "a connection to a name");
    let mut name = vec![0; usize::from(request[4])];
    client.read_exact(&mut name).await?;
    assert_eq!(name, NAME);
    client.read_u16().await?;
    let mut service = TcpStream::connect(target).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    made.fetch_add(1, Ordering::SeqCst);
    tokio::io::copy_bidirectional(&mut client, &mut service).await?;
    Ok(())
}

#[tokio::test]
async fn a_webhook_goes_through_it() {
    let service = Service::answering(&[(200, json!({"errcode": 0}))]).await;
    let made = Arc::new(AtomicU32::new(0));
    let through = proxy(service.base.replace("http://", ""), Arc::clone(&made)).await;
    let folder = tempfile::tempdir().unwrap();
    let yaml = format!("wecom: {{webhook: 'http://service.invalid/send?key=k', proxy: '{through}'}}");
    channel(&yaml, folder.path()).send(&message()).await.unwrap();
    assert_eq!((service.came().len(), made.load(Ordering::SeqCst)), (1, 1));
}

#[tokio::test]
async fn the_connection_of_a_robot_goes_through_it() {
    let mut service = super::bots::Wecom::start(0).await;
    let made = Arc::new(AtomicU32::new(0));
    let through = proxy(service.url.replace("ws://", ""), Arc::clone(&made)).await;
    let folder = tempfile::tempdir().unwrap();
    let yaml =
        format!("wecom_bot: {{bot_id: b, secret: s, user: me, url: 'ws://service.invalid/', proxy: '{through}'}}");
    channel(&yaml, folder.path()).send(&message()).await.unwrap();
    service.next("aibot_send_msg").await;
    assert_eq!(made.load(Ordering::SeqCst), 1);
}
