use super::*;
use tokio::net::UnixListener;

/// A server that answers the first call like that; what the loop hears of it.
async fn first_news(socket: &Path, first: &'static str) -> News {
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = tokio_tungstenite::accept_async(stream).await.unwrap();
        stream.next().await.unwrap().unwrap();
        stream.send(Message::text(first)).await.unwrap();
        std::future::pending::<()>().await;
    });
    let ((_wishes, wanted), (told, mut news)) = (mpsc::unbounded_channel(), mpsc::channel(8));
    let link = tokio::spawn(follow(socket.to_owned(), wanted, told));
    let told = tokio::time::timeout(Duration::from_secs(30), news.recv()).await.unwrap();
    link.abort();
    match told {
        Some(Urgent::Codex(_, news)) => *news,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_of_an_unknown_version_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let old =
        first_news(&folder.path().join("a"), r#"{"id":"hello","result":{"userAgent":"codex/0.150.2 (x)"}}"#).await;
    assert!(matches!(old, News::Refused(Refusal::Old(version)) if version == "0.150.2"));
    let none = first_news(&folder.path().join("b"), r#"{"id":"hello","error":{"code":-32600}}"#).await;
    assert!(matches!(none, News::Refused(Refusal::Old(version)) if version.is_empty()));
    let new =
        first_news(&folder.path().join("c"), r#"{"id":"hello","result":{"userAgent":"codex/0.180.0 (x)"}}"#).await;
    assert!(matches!(new, News::Works));
}

#[tokio::test]
async fn what_is_no_socket_is_no_server_and_one_that_is_unwanted_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(connect(&file).await.is_none() && connect(Path::new("/dev/null")).await.is_none());
    let ((wishes, wanted), (told, _news)) = (mpsc::unbounded_channel(), mpsc::channel(8));
    drop(wishes);
    let end = tokio::time::timeout(Duration::from_secs(30), follow(file, wanted, told));
    assert!(end.await.is_ok());
}
