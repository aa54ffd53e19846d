use std::future::poll_fn;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use super::*;

async fn door(terms: Terms) -> (Door, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = Door::new(listener, None, terms);
    let address = door.local_addr().unwrap();
    (door, address)
}

async fn come(from: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn one_more_than_may_be_there_is_admitted_when_another_has_left() {
    let (mut door, address) = door(Terms::default()).await;
    door.places = Arc::new(Semaphore::new(1));
    let _clients = (
        TcpStream::connect(address).await.unwrap(),
        TcpStream::connect(address).await.unwrap(),
    );
    let (first, _) = door.accept().await;
    assert_eq!(door.places.available_permits(), 0);
    let (waiting, ()) = tokio::join!(door.accept(), async { drop(first) });
    drop(waiting);
    assert_eq!(door.places.available_permits(), 1);
}

#[tokio::test]
async fn an_address_has_its_share_others_come_in_and_a_proxy_speaks_for_many() {
    let networks = vec!["127.0.0.9/32".parse().unwrap()];
    let (mut door, address) = door(Terms {
        of_one_address: NonZeroU32::new(2),
        proxies: Proxies::new(networks, sealrock_access::ProxyHeader::default()),
        ..Terms::default()
    })
    .await;
    let mut clients = Vec::new();
    for from in [
        "127.0.0.1",
        "127.0.0.1",
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.9",
        "127.0.0.9",
        "127.0.0.9",
    ] {
        clients.push(come(from, address).await);
    }
    let mut admitted = Vec::new();
    for _ in 0..6 {
        admitted.push(door.accept().await);
    }
    let peers: Vec<_> = admitted.iter().map(|(_, peer)| *peer).collect();
    for (client, has_place) in clients
        .iter_mut()
        .zip([true, true, false, true, true, true, true])
    {
        assert_eq!(peers.contains(&client.local_addr().unwrap()), has_place);
        if !has_place {
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
        }
    }
    // What is given back, the same address may take.
    drop(admitted.remove(0));
    let again = come("127.0.0.1", address).await;
    assert_eq!(door.accept().await.1, again.local_addr().unwrap());
}

/// A connection whose kernel buffers are full, and its other end.
async fn full(patience: Patience) -> (Stream<Admitted>, TcpStream) {
    let terms = Terms {
        patience,
        ..Terms::default()
    };
    let (mut door, address) = door(terms).await;
    let client = TcpStream::connect(address).await.unwrap();
    let (mut stream, _) = door.accept().await;
    let bytes = vec![0; 1 << 20];
    let fill = |context: &mut Context<'_>| {
        while let Poll::Ready(some) = Pin::new(&mut stream).poll_write(context, &bytes) {
            some.unwrap();
        }
        Poll::Ready(())
    };
    poll_fn(fill).await;
    (stream, client)
}

#[tokio::test]
async fn who_takes_nothing_gains_no_time_by_sending() {
    let patience = Patience {
        untaken: Duration::from_millis(200),
        ..Patience::default()
    };
    let (mut stream, client) = full(patience).await;
    let (_reading, mut sending) = client.into_split();
    let sips = tokio::spawn(async move { while sending.write_all(b"more").await.is_ok() {} });
    // Although there is always something to read.
    let error = loop {
        if let Err(error) = stream.read(&mut [0; 16]).await {
            break error;
        }
        let mut write = poll_fn(
            |context| match Pin::new(&mut stream).poll_write(context, b"x") {
                Poll::Ready(Err(error)) => Poll::Ready(Some(error)),
                _ => Poll::Ready(None),
            },
        );
        if let Some(error) = (&mut write).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(stream);
    sips.await.unwrap();
}

#[tokio::test]
async fn who_takes_in_sips_is_cut() {
    let patience = Patience {
        untaken: Duration::from_millis(200),
        floor: 1 << 30,
        ..Patience::default()
    };
    let (mut stream, mut client) = full(patience).await;
    let sips = tokio::spawn(async move {
        let mut sip = vec![0; 64 << 10];
        while client.read(&mut sip).await.is_ok_and(|taken| taken > 0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let bytes = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = stream.write_all(&bytes).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(stream);
    sips.await.unwrap();
}

#[test]
fn what_is_taken_fast_enough_may_take_for_ever_and_what_is_not_ends() {
    let patience = Patience::default();
    let floor = usize::try_from(patience.floor).unwrap();
    let second = Duration::from_secs(1);
    let mut steady = Credit::of(patience);
    for _ in 0..100_000 {
        steady.spend_and_earn(second, floor);
        assert_eq!(steady.left, patience.untaken);
    }
    // Nothing is saved up for later by what came at once.
    steady.spend_and_earn(Duration::ZERO, 1 << 40);
    assert_eq!(steady.left, patience.untaken);
    let mut slow = Credit::of(patience);
    let sips = (1..1_000).find(|_| {
        slow.spend_and_earn(second, floor / 2);
        slow.left <= second
    });
    assert_eq!(sips, Some(58));
}
