//! What a cached copy holds: which objects, trees, sizes and contents.

use super::cache::{Cached, lines};
use super::command::Call;
use super::error::GitError;
use super::object::batch;
use super::tree::{self, TreeListing};
use crate::repo::{CommitId, ObjectId};
use std::collections::{BTreeMap, BTreeSet};

/// How many bytes of contents are read with one command.
const PORTION: u64 = 16 << 20;

impl Cached {
    /// The objects that are not in the copy.
    pub(super) async fn missing(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeSet<ObjectId>, GitError> {
        let input = lines(ids);
        let args = vec!["--batch-check=%(objectname)".into()];
        let output = self
            .own(Call {
                args,
                input,
                ..self.call("cat-file")
            })
            .await?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter_map(|line| ObjectId::parse(line.strip_suffix(" missing")?).ok())
            .collect())
    }

    /// All entries of a commit's tree, folders included; links and submodules are not followed.
    pub async fn tree(&self, commit: &CommitId) -> Result<TreeListing, GitError> {
        // Never `--long`: it reads the sizes of all blobs, which fetches them.
        let args = vec![
            "-r".into(),
            "-z".into(),
            "--full-tree".into(),
            "--end-of-options".into(),
            commit.to_string(),
        ];
        tree::parse(
            &self
                .own(Call {
                    args,
                    ..self.call("ls-tree")
                })
                .await?,
        )
    }

    /// The sizes of objects before they are fetched. Only a repository on this machine reports them, otherwise the
    /// result is empty: by default, servers do not answer the protocol's request for sizes (`object-info`).
    pub async fn sizes_there(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, u64>, GitError> {
        let Some(directory) = self.remote.directory() else {
            return Ok(BTreeMap::new());
        };
        let call = Call {
            git_dir: Some(directory),
            args: vec!["--batch-check=%(objectname) %(objectsize)".into()],
            input: lines(ids),
            ..self.call("cat-file")
        };
        let output = self.git.ask(call).await?;
        let sizes = String::from_utf8_lossy(&output);
        let sizes = sizes.lines().filter_map(size);
        Ok(sizes.collect())
    }

    /// The contents of objects that were fetched; `None` for a blob of more than `most` bytes, whose contents are not
    /// read.
    pub async fn objects_up_to(
        &self,
        ids: &BTreeSet<ObjectId>,
        most: u64,
    ) -> Result<BTreeMap<ObjectId, Option<Vec<u8>>>, GitError> {
        let mut found = BTreeMap::new();
        let mut portion = BTreeSet::new();
        let mut bytes = 0;
        for (id, size) in self.sizes(ids).await? {
            if size > most {
                found.insert(id, None);
                continue;
            }
            bytes += size;
            portion.insert(id);
            if bytes > PORTION {
                self.read_portion(&std::mem::take(&mut portion), &mut found)
                    .await?;
                bytes = 0;
            }
        }
        self.read_portion(&portion, &mut found).await?;
        Ok(found)
    }

    async fn read_portion(
        &self,
        ids: &BTreeSet<ObjectId>,
        found: &mut BTreeMap<ObjectId, Option<Vec<u8>>>,
    ) -> Result<(), GitError> {
        let contents = self.objects(ids).await?;
        found.extend(contents.into_iter().map(|(id, bytes)| (id, Some(bytes))));
        Ok(())
    }

    /// The sizes of objects that were fetched, in bytes.
    async fn sizes(&self, ids: &BTreeSet<ObjectId>) -> Result<Vec<(ObjectId, u64)>, GitError> {
        let call = Call {
            args: vec!["--batch-check=%(objectname) %(objectsize)".into()],
            input: lines(ids),
            ..self.call("cat-file")
        };
        let output = self.own(call).await?;
        let sizes: Option<Vec<_>> = String::from_utf8_lossy(&output).lines().map(size).collect();
        sizes.ok_or_else(|| self.damaged("a fetched object is missing".to_owned()))
    }

    /// The contents of objects that were fetched.
    pub async fn objects(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, Vec<u8>>, GitError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = lines(ids);
        let output = self
            .own(Call {
                args: vec!["--batch".into()],
                input,
                ..self.call("cat-file")
            })
            .await?;
        let damaged = || self.damaged("a fetched object is missing".to_owned());
        batch(&output)
            .ok_or_else(damaged)?
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(damaged)
    }
}

/// A line of `cat-file --batch-check`: an id and a number of bytes.
fn size(line: &str) -> Option<(ObjectId, u64)> {
    let (id, size) = line.split_once(' ')?;
    Some((ObjectId::parse(id).ok()?, size.parse().ok()?))
}
