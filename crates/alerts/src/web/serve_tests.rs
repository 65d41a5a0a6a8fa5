use super::super::tests::World;
use super::*;
use std::time::Instant;
use tmuxagent_config::Network;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Nothing here takes so long, whatever else the machine does.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(world: &World, places: usize) -> (Server, CancellationToken) {
    let stop = CancellationToken::new();
    let server =
        serve("127.0.0.1:0".parse().unwrap(), Arc::clone(&world.state), axum::Router::new(), places, stop.clone())
            .await
            .unwrap();
    (server, stop)
}

/// A connection from an address of this machine that has sent `text`.
async fn connect(from: [u8; 4], server: &Server, text: &str) -> TcpStream {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything until the server closes; what was cut off in the middle is what came until then.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    // A connection that is reset has ended as well.
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("the server ends it");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn ask(from: [u8; 4], server: &Server, text: &str) -> String {
    rest(&mut connect(from, server, text).await).await
}

const HALF: &str = "GET /a/x HTTP/1.1\r\nHost: 127.0.0.1\r\nX-";
const OWNER: [u8; 4] = [127, 0, 0, 2];
const OTHERS: [u8; 4] = [127, 0, 0, 3];

#[tokio::test(start_paused = true)]
async fn a_head_and_a_body_that_do_not_come_are_not_waited_for() {
    let world = World::new(None);
    let (server, _stop) = start(&world, 8).await;
    let began = tokio::time::Instant::now();
    assert_eq!(ask(OWNER, &server, HALF).await, "");
    assert_eq!(ask(OWNER, &server, "").await, "");
    let waited = began.elapsed();
    assert!(waited >= HEAD * 2 && waited < WHOLE, "{waited:?}");
    let link = world.link().await;
    let form =
        "Host: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nnonce=";
    let half = format!("POST {link} HTTP/1.1\r\n{form}");
    let answer = ask(OWNER, &server, &half).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("Nothing was done"), "{answer}");
    // Who has no link is not even listened to.
    let forged = half.replace(&link, "/a/x");
    assert!(ask(OWNER, &server, &forged).await.starts_with("HTTP/1.1 403 "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_half_sent_requests_hold_a_few_places_and_the_owner_gets_in() {
    let world = World::new(None);
    let (server, _stop) = start(&world, 16).await;
    let link = world.link().await;
    let (mut held, mut slowest) = (Vec::new(), Duration::ZERO);
    for n in 0..1200 {
        held.push(connect(OTHERS, &server, HALF).await);
        if n % 100 == 99 {
            // Also from the attacker's own address, as behind one router.
            for from in [OWNER, OTHERS] {
                let asked = Instant::now();
                let page = ask(from, &server, &format!("GET {link} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).await;
                assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
                slowest = slowest.max(asked.elapsed());
            }
        }
    }
    assert!(slowest < HEAD, "the owner waited {slowest:?}");
    let mut open = 0;
    for stream in &mut held {
        open += usize::from(stream.try_read(&mut [0; 1]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock));
    }
    assert!(open <= 17, "{open} are held");
    println!("connections begun: {}, held: {open}, slowest answer to the owner meanwhile: {slowest:?}", held.len());
    let end = Instant::now() + PATIENCE;
    let health = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    while !ask(OWNER, &server, health).await.ends_with("{\"ok\":true}") {
        assert!(Instant::now() < end);
    }
}

#[tokio::test]
async fn a_connection_carries_one_request_with_a_head_of_some_size() {
    let world = World::new(None);
    let (server, _stop) = start(&world, 8).await;
    let one = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n";
    let answers = ask(OWNER, &server, &one.repeat(3)).await;
    assert_eq!(answers.matches("HTTP/1.1 200 ").count(), 1, "{answers}");
    assert!(answers.to_ascii_lowercase().contains("connection: close"), "{answers}");
    // Not all of it may be read, so that the answer can get lost with the connection; it is never a page.
    let huge = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES + 1));
    let answer = ask(OWNER, &server, &huge).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(ask(OWNER, &server, "\0\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn a_named_proxy_may_ask_for_many() {
    const PROXY: [u8; 4] = [127, 0, 0, 9];
    let world = World::behind(Network::parse("127.0.0.9").unwrap());
    let (server, _stop) = start(&world, 8).await;
    let mut held = Vec::new();
    for from in [PROXY, OTHERS] {
        for _ in 0..7 {
            held.push(connect(from, &server, HALF).await);
        }
        // All are looked at once this is answered.
        ask(OWNER, &server, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
        if from == PROXY {
            let open = |stream: &TcpStream| stream.try_read(&mut [0; 1]).is_err();
            assert!(held.iter().all(open), "its places are not counted as one address's");
        }
    }
    for stream in held.iter_mut().take(3) {
        assert_eq!(rest(stream).await, "", "with no room left whoever holds most gives way");
    }
}

#[tokio::test]
async fn it_ends_soon_whoever_is_connected() {
    let world = World::new(None);
    let (server, stop) = start(&world, 8).await;
    let (address, _held) = (server.address, connect(OWNER, &server, HALF).await);
    let health = ask(OWNER, &server, "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert!(health.starts_with("HTTP/1.1 200 "), "{health}");
    stop.cancel();
    tokio::time::timeout(PATIENCE, server.ended()).await.unwrap().unwrap();
    TcpListener::bind(address).await.expect("the port is free");
}
