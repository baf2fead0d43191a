//! The access token of a Google Cloud machine, from its metadata server.
//!
//! The address is fixed here (or by Google's own variable `GCE_METADATA_HOST`): it is link-local, and a file must not
//! be able to choose such an address. The token is for Google's registries only; the configuration checks that.

use super::credentials::{CredentialError, CredentialResult, RegistryCredential};
use crate::http::{Addresses, Client, HttpRequest, Transport, TransportSettings};
use crate::registry::RegistryOptions;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use url::Url;

const SERVER: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
/// The header by which the server knows that no page made a browser send the request, and by which it is known itself.
const FLAVOR: &str = "metadata-flavor";
/// The user name that Artifact Registry wants beside an access token.
const USER: &str = "oauth2accesstoken";
/// The largest answer, in bytes.
const LARGEST: usize = 64 << 10;

#[derive(serde::Deserialize)]
struct Answer {
    access_token: SecretString,
    expires_in: u64,
}

/// Requests a token. `server` is the host of the metadata server; `None`: Google's.
pub(super) async fn token(options: &RegistryOptions, server: Option<&str>) -> CredentialResult {
    let server = server.unwrap_or(SERVER);
    let failed = |what: String| {
        let what = format!("the metadata server {server}: {what}");
        let help = "login = { google = \"metadata\" } works only on Google Cloud (Compute Engine, GKE, Cloud Run), with a service account";
        CredentialError::new(what).with_help(help)
    };
    let url = Url::parse(&format!("http://{server}{PATH}"));
    let url = url.map_err(|error| failed(error.to_string()))?;
    let request = HttpRequest::get(url, LARGEST).header(HeaderName::from_static(FLAVOR), "Google");
    let client = client(options).map_err(&failed)?;
    let response = client.send(request).await;
    let response = response.map_err(|error| failed(error.to_string()))?;
    if response.status.as_u16() != 200 {
        return Err(failed(format!("status {}", response.status.as_u16())));
    }
    if response.header(FLAVOR) != Some("Google") {
        return Err(failed(
            "the answer is not from Google's metadata server".to_owned(),
        ));
    }
    let answer = serde_json::from_slice(&response.body);
    let answer: Answer = answer.map_err(|_| failed("the answer is not a token".to_owned()))?;
    if answer.access_token.expose_secret().is_empty() {
        return Err(failed("the token is empty".to_owned()));
    }
    options.redactor.add(&answer.access_token);
    Ok(Some(RegistryCredential {
        lifetime: Some(Duration::from_secs(answer.expires_in)),
        ..RegistryCredential::password(USER, answer.access_token)
    }))
}

/// A client without a proxy: the server is on this machine's own link.
fn client(options: &RegistryOptions) -> Result<Client, String> {
    let settings = TransportSettings {
        ca_file: None,
        without_roots: true,
        addresses: Addresses::any(),
        proxy: false,
        policy: options.policy.clone(),
    };
    let transport = Transport::new(&settings).map_err(|error| error.to_string())?;
    let client = Client::new(transport, options.gates.clone(), options.clock.clone());
    Ok(client.plain_http(true))
}
