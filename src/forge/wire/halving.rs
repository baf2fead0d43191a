//! Many repositories in few requests: page by page, and a page that fails is halved until the repository that breaks it
//! is alone.
//!
//! A server that finds a page too large gets smaller ones for the rest of the listing. Nothing is concluded from a gap:
//! what an answer lacks is asked for again, and what can't be read is unknown.

use crate::forge::error::ForgeError;
use futures::{StreamExt as _, TryStreamExt as _};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many pages are under way at once; servers ask for few.
const AT_ONCE: usize = 4;

/// What came of one repository.
type Outcome<T> = (usize, Result<T, ForgeError>);

/// What came of asking for a page.
pub(crate) enum Page<T> {
    /// An answer.
    Read {
        /// What it says, by repository.
        found: Vec<Outcome<T>>,
        /// What is missing because the server gave up before the end, and what it said about that.
        cut: Option<(Vec<usize>, ForgeError)>,
    },
    /// No answer to this page.
    Failed {
        error: ForgeError,
        /// Whether the server takes no page of this size.
        is_too_large: bool,
    },
}

/// Asks one server for repositories, which are named by their index.
#[async_trait::async_trait]
pub(crate) trait Pages: Sync {
    /// What is found of a repository.
    type Found: Send;

    /// The most repositories on a page.
    const SIZE: usize;
    /// How often pages may fail in a row before the rest of them is given up.
    const MOST_FAILURES: usize;
    /// After so many single repositories that couldn't be read, pages aren't halved any more.
    const MOST_LOST: usize;

    /// Asks for a page. An error ends the listing.
    async fn page(&self, page: &[usize]) -> Result<Page<Self::Found>, ForgeError>;

    /// What to make of a repository that breaks its page even alone. An error ends the listing.
    async fn alone(
        &self,
        index: usize,
        why: ForgeError,
    ) -> Result<Result<Self::Found, ForgeError>, ForgeError>;

    /// Asks for one repository without pages. An error ends the listing.
    async fn without_pages(
        &self,
        index: usize,
    ) -> Result<Result<Self::Found, ForgeError>, ForgeError>;
}

/// Reads `count` repositories, in their order; `paged`: whether the server has pages at all.
pub(crate) async fn read_all<P: Pages>(
    pages: &P,
    count: usize,
    paged: bool,
) -> Result<Vec<Result<P::Found, ForgeError>>, ForgeError> {
    let indices: Vec<usize> = (0..count).collect();
    let mut all: Vec<Outcome<P::Found>> = Vec::with_capacity(count);
    if paged {
        let halving = Halving {
            pages,
            size: AtomicUsize::new(P::SIZE),
            lost: AtomicUsize::new(0),
        };
        // The first page alone: if it is too large for this server, the others are smaller from the start.
        let (first, rest) = indices.split_at(count.min(P::SIZE));
        if !first.is_empty() {
            all.extend(halving.read(first.to_vec()).await?);
        }
        let rest: Vec<Vec<usize>> = rest.chunks(halving.size()).map(<[usize]>::to_vec).collect();
        let waiting = rest.into_iter().map(|page| halving.read(page));
        let mut waiting = futures::stream::iter(waiting).buffer_unordered(AT_ONCE);
        while let Some(found) = waiting.try_next().await? {
            all.extend(found);
        }
    } else {
        let one = |index| async move {
            let found = pages.without_pages(index).await?;
            Ok::<_, ForgeError>((index, found))
        };
        let waiting = futures::stream::iter(indices.into_iter().map(one));
        all = waiting.buffered(AT_ONCE).try_collect().await?;
    }
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, found)| found).collect())
}

struct Halving<'a, P> {
    pages: &'a P,
    /// How many repositories a page has by now.
    size: AtomicUsize,
    /// How many single repositories couldn't be read.
    lost: AtomicUsize,
}

impl<P: Pages> Halving<'_, P> {
    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed).max(1)
    }

    fn shrink(&self, page: &[usize]) {
        self.size.fetch_min(page.len() / 2, Ordering::Relaxed);
    }

    async fn read(&self, page: Vec<usize>) -> Result<Vec<Outcome<P::Found>>, ForgeError> {
        let mut waiting = vec![page];
        let mut done = Vec::new();
        let mut failures = 0;
        while let Some(page) = waiting.pop() {
            let most = self.size();
            if page.len() > most {
                waiting.extend(page.chunks(most).rev().map(<[usize]>::to_vec));
                continue;
            }
            let error = match self.pages.page(&page).await? {
                Page::Read { found, cut } => {
                    let is_progress = !found.is_empty();
                    done.extend(found);
                    if is_progress {
                        failures = 0;
                    }
                    let Some((cut, error)) = cut else { continue };
                    self.shrink(&page);
                    if is_progress {
                        waiting.push(cut);
                        continue;
                    }
                    error
                }
                Page::Failed {
                    error,
                    is_too_large,
                } => {
                    if is_too_large {
                        self.shrink(&page);
                    }
                    error
                }
            };
            failures += 1;
            if failures >= P::MOST_FAILURES {
                // Not one repository: the server is down, and isn't asked for each.
                let lost = page.iter().chain(waiting.iter().flatten());
                let text = error.to_string();
                done.extend(lost.map(|i| (*i, Err(ForgeError::Unreachable(text.clone())))));
                return Ok(done);
            }
            if self.lost.load(Ordering::Relaxed) >= P::MOST_LOST {
                done.extend(page.iter().map(|index| (*index, Err(error.again()))));
                continue;
            }
            match page.as_slice() {
                [index] => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    done.push((*index, self.pages.alone(*index, error).await?));
                }
                page => {
                    tracing::debug!(%error, repositories = page.len(), "a page that failed is halved");
                    let (first, second) = page.split_at(page.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A server that breaks on some repositories, or on pages above a size.
    struct Fake {
        bad: Vec<usize>,
        largest: usize,
        asked: Mutex<Vec<usize>>,
    }

    #[async_trait::async_trait]
    impl Pages for Fake {
        type Found = usize;
        const SIZE: usize = 16;
        const MOST_FAILURES: usize = 8;
        const MOST_LOST: usize = 2;

        async fn page(&self, page: &[usize]) -> Result<Page<usize>, ForgeError> {
            let mut asked = self.asked.lock().map_err(|_| ForgeError::stopped())?;
            asked.push(page.len());
            let is_too_large = page.len() > self.largest;
            if is_too_large || page.iter().any(|index| self.bad.contains(index)) {
                return Ok(Page::Failed {
                    error: ForgeError::Server("500".to_owned()),
                    is_too_large,
                });
            }
            Ok(Page::Read {
                found: page.iter().map(|index| (*index, Ok(*index))).collect(),
                cut: None,
            })
        }

        async fn alone(
            &self,
            _: usize,
            why: ForgeError,
        ) -> Result<Result<usize, ForgeError>, ForgeError> {
            Ok(Err(why))
        }

        async fn without_pages(
            &self,
            index: usize,
        ) -> Result<Result<usize, ForgeError>, ForgeError> {
            Ok(Ok(index))
        }
    }

    /// The pages that are asked for, and the repositories that could not be read.
    async fn check(count: usize, bad: &[usize], largest: usize, asked: &[usize], lost: &[usize]) {
        let fake = Fake {
            bad: bad.to_vec(),
            largest,
            asked: Mutex::default(),
        };
        let all = read_all(&fake, count, true).await.unwrap_or_default();
        let found: Vec<Option<usize>> = all.into_iter().map(Result::ok).collect();
        let expect = (0..count).map(|index| (!lost.contains(&index)).then_some(index));
        assert_eq!(found, expect.collect::<Vec<_>>(), "{bad:?}");
        let seen = fake.asked.into_inner().unwrap_or_default();
        assert_eq!(seen, asked, "{bad:?}");
    }

    #[tokio::test]
    async fn a_page_is_halved_until_the_bad_one_is_alone() {
        check(0, &[], 16, &[], &[]).await;
        check(16, &[], 16, &[16], &[]).await;
        check(16, &[3], 16, &[16, 8, 4, 2, 2, 1, 1, 4, 8], &[3]).await;
    }

    #[tokio::test]
    async fn a_server_that_finds_pages_too_large_gets_smaller_ones() {
        check(20, &[], 4, &[16, 8, 4, 4, 4, 4, 4], &[]).await;
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_not_asked_for_each() {
        let all: Vec<usize> = (0..16).collect();
        // Two alone are lost; after that pages are no longer halved.
        check(16, &all, 16, &[16, 8, 4, 2, 1, 1, 2, 4], &all).await;
    }
}
