//! The HTTP client of all edges.
//!
//! Time-outs, retry with jitter, `Retry-After`, a gate for each origin, size caps counted after decoding and address
//! filters are implemented here once, so that no edge invents its own. The client never follows redirects: the caller
//! decides, with [`redirect_target`], because a redirect is a hint from the server and a credential must not follow it.
//!
//! It knows nothing about registries or forges, and stores nothing: the caller decides what may be stored of an answer.

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
pub(crate) use error::NO_TLS;
pub use gate::Gates;
pub use origin::{Origin, ParseOriginError};
pub use policy::{HttpPolicy, Limits, ParseRateError, Rate};
pub use redirect::{RedirectError, redirect_target};
pub use request::{HttpRequest, HttpResponse};
pub use retry_after::retry_after;
pub use transport::{Transport, TransportSettings, install_crypto};
