//! Reads a body up to a limit.

use bytes::{Bytes, BytesMut};

/// The result of reading a body.
pub(super) enum Body {
    Whole(Bytes),
    TooLarge,
}

/// Reads a body and counts the decoded bytes. The body of an error answer is cut at the limit without an error: its
/// status is enough.
pub(super) async fn read(
    mut response: reqwest::Response,
    limit: usize,
) -> Result<Body, reqwest::Error> {
    let success = response.status().is_success();
    let limit = if success { limit } else { limit.min(64 * 1024) };
    let declared = response.content_length().unwrap_or(0);
    if success && declared > limit as u64 {
        return Ok(Body::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            if success {
                return Ok(Body::TooLarge);
            }
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(body.freeze()))
}
