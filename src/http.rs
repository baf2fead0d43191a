//! One client policy for everything that speaks HTTP.
//!
//! Time-outs, retry with jitter, `Retry-After`, a gate for each origin, size caps counted after decoding
//! and address filters are here once, so that no edge invents its own. Redirects are never
//! followed by the client: whoever asks decides, with [`redirect_target`], because a redirect is a hint of
//! the server and a credential must not go along with it.
//!
//! It knows nothing of registries or forges, and keeps nothing: what may be stored of an answer is for the
//! caller to say.

mod address;
mod backoff;
mod body;
mod client;
mod clock;
mod error;
mod gate;
mod origin;
mod policy;
mod redirect;
mod request;
mod retry_after;
mod transport;

pub(crate) use address::ResolveError;
pub use address::{AddressRule, Addresses};
pub use client::Client;
pub use clock::Clock;
pub use error::HttpError;
pub use gate::Gates;
pub use origin::{Origin, ParseOriginError};
pub use policy::{HttpPolicy, Limits, ParseRateError, Rate};
pub use redirect::{RedirectError, redirect_target};
pub use request::{HttpRequest, HttpResponse};
pub use retry_after::retry_after;
pub use transport::{Transport, TransportSettings, install_crypto};
