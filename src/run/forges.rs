//! From a `[[forge]]` to the clients that serve it: one for each token.

use super::setup::SetupError;
use crate::config::ServerConfig;
use crate::forge::{Forge, ForgeError};
use crate::http::Redactor;
use std::sync::Arc;

/// The clients of a server.
pub(super) fn servers(
    _server: &ServerConfig,
    _redactor: &Redactor,
) -> Result<Vec<Arc<dyn Forge>>, SetupError> {
    Err(ForgeError::Refused("not yet".to_owned()).into())
}
