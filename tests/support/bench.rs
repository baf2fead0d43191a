//! The real client with everything injected, and the search for canaries at its end.

use super::fake_registry::FakeRegistry;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imagebot::http::{Clock, HttpPolicy, Limits, Origin};
use imagebot::image::{Digest, ImageName, RegistryHost, Tag};
use imagebot::registry::{
    Anonymous, Credentials, Head, HostSettings, ImageConfig, Kept, Login, Manifest,
    ManifestReference, Registries, RegistryCredential, RegistryError, RegistryOptions, Tags,
    Unlisted, Validators,
};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(crate) const PASSWORD: &str = "CANARY-p+/s$ %é";

/// Forms of the word CANARY: as it is, and in base64 at each alignment.
const CANARIES: [&str; 4] = ["CANARY", "Q0FOQVJZ", "NBTkFSW", "DQU5BUl"];

pub(crate) type Store = Arc<Mutex<BTreeMap<String, Kept>>>;

/// Registries, and all that they wrote anywhere; on drop none of it may hold a canary.
pub(crate) struct Bench {
    pub(crate) registries: Registries,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    texts: Mutex<Vec<String>>,
}

impl Bench {
    pub(crate) fn new(listed: Vec<HostSettings>) -> Self {
        Self::with(listed, |_| {})
    }

    pub(crate) fn with(
        listed: Vec<HostSettings>,
        change: impl FnOnce(&mut RegistryOptions),
    ) -> Self {
        let _ = log();
        let store = Store::default();
        let (reader, writer) = (Arc::clone(&store), Arc::clone(&store));
        let clock = Clock::manual("2026-11-21T12:00:00Z".parse().expect("a time"));
        let mut options = RegistryOptions {
            unlisted: Unlisted::Refuse,
            validators: Validators::new(
                move |key| lock(&reader).get(key).cloned(),
                move |key, kept| drop(lock(&writer).insert(key.to_owned(), kept)),
            ),
            clock: clock.clone(),
            policy: HttpPolicy::default(),
            proxy: false,
            ..RegistryOptions::default()
        };
        change(&mut options);
        Self {
            registries: Registries::new(listed, options).expect("registries"),
            clock,
            store,
            texts: Mutex::default(),
        }
    }

    /// Notes a result, whatever it is, for the search at the end.
    #[track_caller]
    pub(crate) fn note<T: Debug>(
        &self,
        result: Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut texts = lock(&self.texts);
        texts.push(format!("{result:?}"));
        if let Err(error) = &result {
            texts.push(format!("{error} {:?} {:?}", error.help(), error.code()));
        }
        result
    }

    pub(crate) async fn tags(
        &self,
        image: &ImageName,
        login: Option<&Login>,
    ) -> Result<Tags, RegistryError> {
        self.note(self.registries.tags(image, login).await)
    }

    /// The digest of a manifest that is there.
    pub(crate) async fn head<'a>(
        &self,
        image: &ImageName,
        wanted: impl Into<ManifestReference<'a>>,
    ) -> Head {
        let answer = self.registries.head(image, None, wanted).await;
        answer.expect("an answer").expect("a manifest")
    }

    /// A manifest that is there.
    pub(crate) async fn manifest<'a>(
        &self,
        image: &ImageName,
        wanted: impl Into<ManifestReference<'a>>,
    ) -> Manifest {
        let answer = self.registries.manifest(image, None, wanted).await;
        answer.expect("an answer").expect("a manifest")
    }

    /// An image's configuration that is there.
    pub(crate) async fn config(&self, image: &ImageName, digest: &Digest) -> ImageConfig {
        let answer = self.registries.config(image, None, digest).await;
        answer.expect("an answer").expect("a configuration")
    }

    /// The code of the error of a tag list that must fail.
    pub(crate) async fn tags_code(&self, image: &ImageName, login: Option<&Login>) -> &'static str {
        self.tags(image, login)
            .await
            .map_or_else(|error| error.code(), |tags| panic!("no error but {tags:?}"))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut texts = std::mem::take(&mut *lock(&self.texts));
        texts.extend(
            lock(&self.store).iter().map(|(key, kept)| {
                format!("{key} {kept:?} {}", String::from_utf8_lossy(&kept.body))
            }),
        );
        texts.push(format!("{:?}", self.registries));
        // Each line is searched once, by whichever test ends next.
        let lines = std::mem::take(&mut *lock(log()));
        SEARCHED.fetch_add(lines.len(), Ordering::Relaxed);
        texts.push(String::from_utf8_lossy(&lines).into_owned());
        for canary in CANARIES {
            for text in &texts {
                assert!(!text.contains(canary), "{canary} stands in: {text}");
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that any test of this binary logs, at the finest level.
fn log() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Tap)
            .init();
        Mutex::default()
    })
}

/// How many bytes of log have been searched.
pub(crate) static SEARCHED: AtomicUsize = AtomicUsize::new(0);

struct Tap;

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(log()).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A fake as the operator would list it.
pub(crate) fn listed(fake: &FakeRegistry) -> HostSettings {
    HostSettings {
        plain_http: true,
        limits: Limits {
            concurrency: 8,
            rate: None,
        },
        ..HostSettings::new(fake.host())
    }
}

/// A fake in the place of Docker Hub.
pub(crate) fn as_docker_hub(fake: &FakeRegistry) -> HostSettings {
    HostSettings {
        host: RegistryHost::docker_hub(),
        endpoint: Origin::parse(&fake.url()).ok(),
        ..listed(fake)
    }
}

pub(crate) fn image(fake: &FakeRegistry, path: &str) -> ImageName {
    ImageName::parse(&format!("{}/{path}", fake.host())).expect("an image name")
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

pub(crate) fn login(host: &RegistryHost, username: &str) -> Login {
    Login {
        id: format!("{host} {username}"),
        host: host.clone(),
        origin: "a test".to_owned(),
        credentials: Credentials::known(RegistryCredential::password(username, PASSWORD.into())),
        anonymous: Anonymous::Never,
    }
}

/// What stands behind `Basic ` for [`login`].
pub(crate) fn pair(username: &str) -> String {
    STANDARD.encode(format!("{username}:{PASSWORD}"))
}

pub(crate) fn names(tags: &Tags) -> Vec<&str> {
    tags.tags.iter().map(Tag::as_str).collect()
}
