//! The drive of an account, which changes things at 115, against the simulator: without the tree above it.

mod copies;
mod names;
mod uploads;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use dav115::crypto::ec115::{Agreement, ServerKey};
use dav115::crypto::m115::PublicKey;
use dav115::drive::{CloudDrive, Drive as _, DriveError, DriveErrorKind, UploadSource};
use dav115::model::{
    CookieUse, FileId, Meter, Node, Proof, Secret, Sha1, UploadSession, UploadStep, UploadTarget,
};
use dav115::pan115::{Client, Credential, Endpoints, Options};
use dav115::transport::{Http, Route, Timeouts};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sha1::Digest as _;
use sim115::{Content, Sim, SimNode, Tree};

use crate::harness::simulator;

/// A drive and the simulator behind it.
pub(crate) struct Cloud {
    pub(crate) sim: Sim,
    pub(crate) drive: CloudDrive,
    pub(crate) meter: Meter,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        Self::over(simulator(Tree::Empty).await)
    }

    pub(crate) fn over(sim: Sim) -> Self {
        let client = Arc::new(client(&sim, &sim.cookie(), Duration::from_secs(20)));
        Self::of(sim, client, &[])
    }

    pub(crate) fn of(sim: Sim, main: Arc<Client>, others: &[(Arc<Client>, CookieUse)]) -> Self {
        let mut clients = vec![(Arc::clone(&main), CookieUse::All)];
        clients.extend_from_slice(others);
        sim.clear_ledger();
        Self { sim, drive: CloudDrive::new(main, &clients), meter: Meter::default() }
    }

    /// What has been asked since the last look, by the labels of `src/pan115`.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for entry in self.sim.ledger() {
            let label = match entry.endpoint.as_str() {
                "cdn" => "download server".to_owned(),
                oss if oss.starts_with("oss_") => "object storage".to_owned(),
                label => label.to_owned(),
            };
            *calls.entry(label).or_default() += 1;
        }
        self.sim.clear_ledger();
        calls
    }

    #[track_caller]
    pub(crate) fn assert_calls(&self, expected: &[(&str, usize)]) {
        let expected: BTreeMap<String, usize> =
            expected.iter().map(|(label, count)| ((*label).to_owned(), *count)).collect();
        assert_eq!(self.take_calls(), expected);
    }

    /// How often the simulator was asked for `endpoint`, in its own words.
    pub(crate) fn asked(&self, endpoint: &str) -> usize {
        self.sim.ledger().iter().filter(|entry| entry.endpoint == endpoint).count()
    }

    pub(crate) fn folder(&self, parent: FileId, name: &str) -> FileId {
        FileId(self.sim.tree(|tree| tree.add_folder(parent.0, name)))
    }

    pub(crate) fn file(&self, parent: FileId, name: &str, content: Bytes) {
        self.sim.tree(|tree| tree.add_file(parent.0, name, Content::Bytes(content)));
    }

    /// The node called `name` in `folder`, as the drive lists it. Costs nothing in the count.
    pub(crate) async fn node(&self, folder: FileId, name: &str) -> Node {
        let listing = self.drive.list(&self.meter, folder).await.unwrap();
        self.sim.clear_ledger();
        listing.get(name).unwrap_or_else(|| panic!("no {name}")).clone()
    }

    /// What is in a folder in truth, whatever listings say: names in order.
    pub(crate) fn names(&self, folder: FileId) -> Vec<String> {
        let of = |node: &&SimNode| node.name.clone();
        self.sim.tree(|tree| {
            let mut names: Vec<String> = tree.children(folder.0).iter().map(of).collect();
            names.sort_unstable();
            names
        })
    }

    pub(crate) fn content(&self, id: FileId) -> Bytes {
        self.sim.tree(|tree| {
            let content = sim115::content(tree.node(id.0).unwrap());
            content.read(0..content.size())
        })
    }

    /// Announces `content` and answers 115's questions about it.
    pub(crate) async fn begin(
        &self,
        target: &UploadTarget,
        content: &[u8],
    ) -> Result<UploadStep, DriveError> {
        let mut proof = None;
        loop {
            match self.drive.begin_upload(&self.meter, target, proof.as_ref()).await? {
                UploadStep::Prove(challenge) => {
                    let range = usize::try_from(challenge.range.start).unwrap()
                        ..usize::try_from(challenge.range.end).unwrap();
                    proof = Some(Proof { key: challenge.key, sha1: sha1(&content[range]) });
                }
                step => return Ok(step),
            }
        }
    }

    pub(crate) async fn session(&self, target: &UploadTarget, content: &[u8]) -> UploadSession {
        match self.begin(target, content).await.unwrap() {
            UploadStep::Send(session) => *session,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(
        &self,
        target: &UploadTarget,
        session: &UploadSession,
        source: &mut Source,
    ) -> Result<Node, DriveError> {
        self.drive.upload(&self.meter, target, session, source).await
    }
}

pub(crate) fn client(sim: &Sim, cookie: &str, deadline: Duration) -> Client {
    let second = Duration::from_secs(1);
    let timeouts = Timeouts { connect: 5 * second, attempt: 10 * second, read: 10 * second };
    let options = Options {
        requests_per_second: 10_000.0,
        burst: 4,
        deadline,
        retries: 3,
        block_pause: 60 * second,
        open_bodies: 8,
        open_wait: second,
        user_agent: "Mozilla/5.0 115Browser/27.0.5.7".to_owned(),
    };
    let http = Http::new(&timeouts, Route::Direct).unwrap();
    let key = PublicKey::from_hex(&sim.modulus_hex(), sim.exponent()).unwrap();
    let credential = Credential::Cookie(Secret::new(cookie));
    let agreement = Agreement::with(&ServerKey::from_hex(&sim.ec_public_key()).unwrap());
    Client::new("main", http, Endpoints::new(Some(&sim.base_url())), key, credential, options)
        .with_agreement(agreement)
}

pub(crate) fn sha1(content: &[u8]) -> Sha1 {
    Sha1(sha1::Sha1::digest(content).into())
}

pub(crate) fn target(name: &str, content: &[u8]) -> UploadTarget {
    UploadTarget { parent: FileId::ROOT, name: name.into(), size: content.len() as u64, sha1: sha1(content) }
}

/// So many bytes that look like nothing else.
pub(crate) fn noise(size: usize, seed: u8) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..size).map(byte).collect::<Vec<u8>>().into()
}

/// A source that keeps account of what is read of it.
pub(crate) struct Source {
    content: Bytes,
    pub(crate) read: Vec<Range<u64>>,
    pub(crate) breaks_at: u64,
}

impl Source {
    pub(crate) fn new(content: &Bytes) -> Self {
        Self { content: content.clone(), read: Vec::new(), breaks_at: u64::MAX }
    }
}

impl UploadSource for Source {
    fn read(&mut self, range: Range<u64>) -> BoxFuture<'_, std::io::Result<Bytes>> {
        assert!(self.read.last().is_none_or(|last| last.end <= range.start), "{:?} {range:?}", self.read);
        self.read.push(range.clone());
        let bytes = if range.end > self.breaks_at {
            Err(std::io::Error::other("the client went away"))
        } else {
            Ok(self.content.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
        };
        std::future::ready(bytes).boxed()
    }
}

#[track_caller]
pub(crate) fn kind<T: std::fmt::Debug>(outcome: Result<T, DriveError>) -> DriveErrorKind {
    outcome.unwrap_err().kind
}
