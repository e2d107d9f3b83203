//! A gateway over a drive in memory, and a client that shows every byte.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::{Options, Parts, Server, State, run};
use crate::cache::DriveKey;
use crate::dav::{self, Dav};
use crate::drive::{Body, Drive, DriveError, DriveErrorKind, MemoryDrive, Quota};
use crate::model::{
    AccountHealth, DownloadPolicy, FileId, HeaderDemand, Health, Kind, Link, LinkBinding, Listing, Meter,
    Node, SessionState,
};
use crate::vfs::{self, Mount, VPath, Vfs};

pub(super) const ABC: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// A running gateway. Stops when dropped.
pub(super) struct Gateway {
    pub(super) address: SocketAddr,
    pub(super) stop: CancellationToken,
    pub(super) stopped: JoinHandle<()>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// `/abc.txt`, `/empty.txt`, `/dir/电影 #1.mkv`.
pub(super) fn memory_drive() -> Arc<MemoryDrive> {
    let drive = MemoryDrive::new();
    drive.add_file(FileId::ROOT, "abc.txt", Bytes::from_static(ABC), None);
    drive.add_file(FileId::ROOT, "empty.txt", Bytes::new(), None);
    let dir = drive.add_folder(FileId::ROOT, "dir");
    drive.add_file(dir, "电影 #1.mkv", Bytes::from_static(b"film"), None);
    Arc::new(drive)
}

impl Gateway {
    /// Serves [`memory_drive`] by streaming.
    pub(super) async fn start(options: Options) -> Self {
        Self::over(memory_drive(), DownloadPolicy::Proxy, options).await
    }

    pub(super) async fn over(drive: Arc<dyn Drive>, download: DownloadPolicy, options: Options) -> Self {
        let tracker = TaskTracker::new();
        let mount = Mount { download, ..Mount::whole(VPath::root(), drive, DriveKey(0)) };
        let remembered = vfs::Options { link_margin: Duration::ZERO, ..vfs::Options::default() };
        let vfs = Arc::new(Vfs::new(vec![mount], &remembered, &tracker, SystemTime::now()));
        let dav_options = dav::Options { prefix: options.prefix.clone(), report_quota: true };
        let parts = Parts {
            vfs: Arc::clone(&vfs),
            dav: Dav::new(vfs, Arc::default(), Arc::default(), dav_options),
            health: Arc::new(|| {
                let (name, session) = ("main".to_owned(), SessionState::SignedIn);
                let accounts = vec![AccountHealth { name, session, last_error: None }];
                Health { accounts, shares: Vec::new() }
            }),
            tracker: tracker.clone(),
        };
        let state = State::new(options, parts).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped =
            tracker.spawn(run(listener, Arc::new(Server::new(state)), stop.clone().cancelled_owned()));
        Self { address, stop, stopped }
    }

    pub(super) async fn connect(&self) -> Client {
        Client(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    /// Sends `head` (without the blank line) on a connection of its own.
    pub(super) async fn ask(&self, head: &str) -> Answer {
        self.connect().await.ask(head).await
    }
}

/// One connection.
pub(super) struct Client(pub(super) BufReader<TcpStream>);

/// An answer as it came.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// All of the body came.
    pub(super) is_complete: bool,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    /// Sends a request without a body. Lines of `head` are separated by `\n`.
    pub(super) async fn ask(&mut self, head: &str) -> Answer {
        self.send(head).await;
        self.receive(head.starts_with("HEAD")).await
    }

    pub(super) async fn send(&mut self, head: &str) {
        let head = format!("{}\r\nHost: test\r\n\r\n", head.replace('\n', "\r\n"));
        self.0.get_mut().write_all(head.as_bytes()).await.unwrap();
    }

    /// Sends a request with a body and its length.
    pub(super) async fn ask_with_body(&mut self, head: &str, body: &str) -> Answer {
        self.send(&format!("{head}\nContent-Length: {}", body.len())).await;
        self.0.get_mut().write_all(body.as_bytes()).await.unwrap();
        self.receive(false).await
    }

    pub(super) async fn receive(&mut self, is_head: bool) -> Answer {
        let mut answer = self.receive_head().await;
        let bodiless = is_head || answer.status == 304;
        match answer.header("content-length").filter(|_| !bodiless).map(|len| len.parse::<u64>().unwrap()) {
            Some(len) => {
                let _ = (&mut self.0).take(len).read_to_end(&mut answer.body).await;
                answer.is_complete = answer.body.len() as u64 == len;
            }
            None => assert!(
                bodiless || answer.header("transfer-encoding").is_none(),
                "every body has a length: {answer:?}"
            ),
        }
        answer
    }

    pub(super) async fn receive_head(&mut self) -> Answer {
        let status = self.line().await;
        let status = status.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {status:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        Answer { status: status.parse().unwrap(), headers, body: Vec::new(), is_complete: true }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let _ = self.0.read_line(&mut line).await;
        line.trim_end().to_owned()
    }

    /// Whether the other end has closed the connection.
    pub(super) async fn is_closed(&mut self) -> bool {
        !matches!(self.0.read(&mut [0]).await, Ok(1..))
    }
}

/// What a [`ScriptedDrive`] does when its file is opened.
pub(super) enum Script {
    /// Sends a few bytes and breaks; cannot be opened again.
    Breaks,
    /// Sends a few bytes and goes on when told so.
    Waits(Arc<Notify>),
    /// Sends mebibytes without end; tells how many, and when it is dropped.
    Floods(Arc<AtomicU64>, Arc<Notify>),
    /// Panics.
    Panics,
    /// Fails.
    Fails(DriveErrorKind),
}

/// A drive with one file, `/file.bin`, of [`ScriptedDrive::SIZE`] bytes.
pub(super) struct ScriptedDrive {
    pub(super) script: Script,
    pub(super) opened: AtomicU64,
}

fn mebibyte() -> Bytes {
    vec![0; 1 << 20].into()
}

struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl ScriptedDrive {
    pub(super) const SIZE: u64 = 1 << 30;

    pub(super) fn new(script: Script) -> Arc<Self> {
        Arc::new(Self { script, opened: AtomicU64::new(0) })
    }
}

#[async_trait]
impl Drive for ScriptedDrive {
    async fn list(&self, _: &Meter, _: FileId) -> Result<Listing, DriveError> {
        let file = Node::virtual_folder("file.bin", SystemTime::UNIX_EPOCH);
        Ok(Listing::new(vec![Node { id: FileId(1), kind: Kind::File, size: Self::SIZE, ..file }]))
    }

    async fn link(&self, meter: &Meter, file: &Node, binding: &LinkBinding) -> Result<Link, DriveError> {
        let mut link = MemoryDrive::new().link(meter, file, binding).await?;
        // Otherwise the tree would open it once to see whether it holds.
        link.terms.demand = HeaderDemand::SameAgent;
        Ok(link)
    }

    async fn open(&self, _: &Link, _: Range<u64>) -> Result<Body, DriveError> {
        let is_first = self.opened.fetch_add(1, Ordering::SeqCst) == 0;
        let few = stream::once(async { Ok(Bytes::from_static(b"few")) });
        let broken = || DriveError::new(DriveErrorKind::Unavailable, "it broke");
        let stream = match &self.script {
            Script::Breaks if is_first => few
                // A pause, so that the bytes go out before it breaks.
                .chain(stream::once(async move {
                    tokio::task::yield_now().await;
                    Err(broken())
                }))
                .boxed(),
            Script::Breaks => return Err(broken()),
            Script::Waits(go_on) => {
                let go_on = Arc::clone(go_on);
                let rest = async move {
                    go_on.notified().await;
                    stream::repeat_with(|| Ok(mebibyte()))
                };
                few.chain(stream::once(rest).flatten()).take_bytes(Self::SIZE).boxed()
            }
            Script::Floods(count, dropped) => {
                let (count, dropped) = (Arc::clone(count), Dropped(Arc::clone(dropped)));
                stream::repeat_with(move || {
                    let _ = &dropped;
                    count.fetch_add(1, Ordering::SeqCst);
                    Ok(mebibyte())
                })
                .boxed()
            }
            Script::Panics => panic!("a bug with a secret in it"),
            Script::Fails(kind) => return Err(DriveError::new(*kind, "it fails")),
        };
        Ok(Body { total: Self::SIZE, validator: None, stream })
    }

    async fn quota(&self, _: &Meter) -> Result<Quota, DriveError> {
        Ok(Quota { used: 0, available: 0 })
    }

    fn own_agent(&self) -> &'static str {
        "scripted"
    }
}

trait TakeBytes: stream::Stream<Item = Result<Bytes, DriveError>> + Sized {
    /// The first `left` bytes.
    fn take_bytes(self, left: u64) -> impl stream::Stream<Item = Result<Bytes, DriveError>> {
        self.scan(left, |left, item| {
            let item = item.map(|bytes| {
                let len = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= len as u64;
                bytes.slice(..len)
            });
            async { Some(item) }
        })
        .take_while(|item| {
            let goes_on = item.as_ref().map_or(true, |bytes| !bytes.is_empty());
            async move { goes_on }
        })
    }
}

impl<S: stream::Stream<Item = Result<Bytes, DriveError>>> TakeBytes for S {}
